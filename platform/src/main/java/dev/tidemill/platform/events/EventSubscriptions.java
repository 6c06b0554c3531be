package dev.tidemill.platform.events;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.threads.Loop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Runs subscribers, one virtual thread each, until closed. */
public final class EventSubscriptions implements AutoCloseable {
    private static final int BATCH = 200;
    private static final Duration SAFETY_NET = Duration.ofSeconds(1);

    private final EventLog log;
    private final Database database;
    private final EventCursors cursors;
    private final List<Loop> loops = new ArrayList<>();

    public EventSubscriptions(EventLog log, Database database) {
        this.log = log;
        this.database = database;
        this.cursors = new EventCursors(database);
    }

    public void start(EventSubscriber subscriber) {
        var following = new Following(subscriber);
        loops.add(new Loop("events-" + subscriber.name(), SAFETY_NET, following::round).start());
    }

    /** Of the subscribers that were started. */
    public List<Loop> loops() {
        return List.copyOf(loops);
    }

    /** One subscriber and how far it has come; used by its thread alone. */
    private final class Following {
        private static final long UNKNOWN = -1;

        private final EventSubscriber subscriber;
        private long position = UNKNOWN;

        private Following(EventSubscriber subscriber) {
            this.subscriber = subscriber;
        }

        private void round() throws InterruptedException {
            try {
                if (position == UNKNOWN) {
                    position = cursors.position(subscriber.name());
                }
                List<StoredEvent> events = log.after(position, BATCH);
                for (StoredEvent event : events) {
                    deliver(subscriber, event);
                    position = event.position();
                }
                if (events.isEmpty()) {
                    log.awaitAppend(SAFETY_NET);
                }
            } catch (RuntimeException | Error e) {
                position = UNKNOWN;
                throw e;
            }
        }
    }

    private void deliver(EventSubscriber subscriber, StoredEvent event) {
        database.write(() -> {
            subscriber.on(event);
            cursors.move(subscriber.name(), event.position());
        });
    }

    @Override
    public void close() {
        loops.forEach(Loop::close);
        loops.forEach(loop -> loop.join(Duration.ofSeconds(5)));
    }
}
