package dev.tidemill.platform.events;

import dev.tidemill.platform.sql.Database;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs subscribers, one virtual thread each, until closed. */
public final class EventSubscriptions implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventSubscriptions.class);
    private static final int BATCH = 200;
    private static final Duration SAFETY_NET = Duration.ofSeconds(1);

    private final EventLog log;
    private final Database database;
    private final EventCursors cursors;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean closed;

    public EventSubscriptions(EventLog log, Database database) {
        this.log = log;
        this.database = database;
        this.cursors = new EventCursors(database);
    }

    public void start(EventSubscriber subscriber) {
        threads.add(Thread.ofVirtual().name("events-" + subscriber.name()).start(() -> follow(subscriber)));
    }

    private void follow(EventSubscriber subscriber) {
        long position = -1;
        while (!closed) {
            try {
                if (position < 0) {
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
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (RuntimeException e) {
                LOG.warn("Subscriber {} failed after position {}; it tries again", subscriber.name(), position, e);
                position = -1;
                pause();
            }
        }
    }

    private void deliver(EventSubscriber subscriber, StoredEvent event) {
        database.write(() -> {
            subscriber.on(event);
            cursors.move(subscriber.name(), event.position());
        });
    }

    private static void pause() {
        try {
            Thread.sleep(SAFETY_NET);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed = true;
        threads.forEach(Thread::interrupt);
        for (Thread thread : threads) {
            try {
                thread.join(Duration.ofSeconds(5));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
