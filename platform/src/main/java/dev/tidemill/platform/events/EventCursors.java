package dev.tidemill.platform.events;

import dev.tidemill.platform.sql.Database;

/** How far each subscriber has come. */
final class EventCursors {
    private final Database database;

    EventCursors(Database database) {
        this.database = database;
    }

    long position(String subscriber) {
        return database.reading(
                handle -> handle.createQuery("SELECT position FROM event_cursor WHERE subscriber = :subscriber")
                        .bind("subscriber", subscriber)
                        .mapTo(Long.class)
                        .findOne()
                        .orElse(0L));
    }

    void move(String subscriber, long position) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO event_cursor (subscriber, position) VALUES (:subscriber, :position)
                        ON CONFLICT (subscriber) DO UPDATE SET position = excluded.position
                        """)
                .bind("subscriber", subscriber)
                .bind("position", position)
                .execute());
    }
}
