package dev.tidemill.tracking.store;

import dev.tidemill.platform.sql.Database;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** Numbers of metrics' names, which never change once committed and so are remembered. Thread-safe. */
final class MetricNames {
    private static final int REMEMBERED = 100_000;

    private final Database database;
    private final ConcurrentMap<String, Long> known = new ConcurrentHashMap<>();
    private final ConcurrentMap<Long, String> byNumber = new ConcurrentHashMap<>();

    MetricNames(Database database) {
        this.database = database;
    }

    void forget() {
        known.clear();
        byNumber.clear();
    }

    Optional<Long> find(String name) {
        Long remembered = known.get(name);
        if (remembered != null) {
            return Optional.of(remembered);
        }
        Optional<Long> found =
                database.reading(handle -> handle.createQuery("SELECT number FROM metric_name WHERE name = :name")
                        .bind("name", name)
                        .mapTo(Long.class)
                        .findOne());
        found.ifPresent(number -> database.afterCommit(() -> remember(name, number)));
        return found;
    }

    /** The name that a number stands for. */
    String name(long number) {
        String remembered = byNumber.get(number);
        if (remembered != null) {
            return remembered;
        }
        String found =
                database.reading(handle -> handle.createQuery("SELECT name FROM metric_name WHERE number = :number")
                        .bind("number", number)
                        .mapTo(String.class)
                        .one());
        database.afterCommit(() -> {
            if (byNumber.size() < REMEMBERED) {
                byNumber.put(number, found);
            }
        });
        return found;
    }

    /** The name's number, given to it now if it has none. */
    long number(String name) {
        return find(name).orElseGet(() -> {
            database.writing(handle -> handle.createUpdate(
                            "INSERT INTO metric_name (name) VALUES (:name) ON CONFLICT DO NOTHING")
                    .bind("name", name)
                    .execute());
            return find(name).orElseThrow();
        });
    }

    private void remember(String name, long number) {
        if (known.size() < REMEMBERED) {
            known.put(name, number);
        }
    }
}
