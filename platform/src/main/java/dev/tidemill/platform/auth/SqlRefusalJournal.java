package dev.tidemill.platform.auth;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.threads.Loop;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal of refusals in the database. Written behind the answer through a bounded queue, so that a flood of bad
 * requests costs the flood, not the server; how many did not fit is told in the log, at most once a minute. The first of refusals that are alike is written
 * at once; those that follow within a minute are counted, and written as one when it is over. Refusals of callers that are not known
 * are alike if they come from one address, whatever they ask for.
 */
public final class SqlRefusalJournal implements RefusalJournal, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SqlRefusalJournal.class);
    private static final int QUEUE = 1000;
    /** Kinds of refusals that are counted at a time. */
    private static final int MOST_KINDS = 1000;

    private static final long TOGETHER_MILLIS = 60_000;
    private static final long LOOK_MILLIS = 200;

    private record Entry(long time, Refusal refusal) {}

    /** Refusals that are alike. */
    private static final class Alike {
        private final long since;
        private Entry last;
        private long more;

        Alike(Entry first) {
            since = first.time();
            last = first;
        }
    }

    private final Database database;
    private final Clock clock;
    private final Loop loop;
    private final BlockingQueue<Entry> queue = new ArrayBlockingQueue<>(QUEUE);
    /** The oldest first; touched by the thread alone, and by who closes once it has ended. */
    private final LinkedHashMap<Refusal, Alike> kinds = new LinkedHashMap<>();

    private final AtomicLong lost = new AtomicLong();
    /** Touched by the thread alone. */
    private long toldAt;

    public SqlRefusalJournal(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
        this.loop = new Loop("refusal-journal", Duration.ofMillis(LOOK_MILLIS), this::round).start();
    }

    public Loop loop() {
        return loop;
    }

    @Override
    public void record(Refusal refusal) {
        if (!queue.offer(new Entry(clock.millis(), refusal))) {
            lost.incrementAndGet();
        }
    }

    private void tellLost() {
        long now = clock.millis();
        if (lost.get() > 0 && now - toldAt >= TOGETHER_MILLIS) {
            toldAt = now;
            LOG.warn("{} refusals came faster than they can be written and were not journalled", lost.getAndSet(0));
        }
    }

    private void round() throws InterruptedException {
        Entry entry = queue.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        if (entry != null) {
            count(entry);
        }
        writeCounted(clock.millis() - TOGETHER_MILLIS);
        tellLost();
    }

    private void count(Entry entry) {
        Refusal kind = kind(entry.refusal());
        Alike alike = kinds.get(kind);
        if (alike != null && entry.time() - alike.since < TOGETHER_MILLIS) {
            alike.last = entry;
            alike.more++;
            return;
        }
        if (alike != null) {
            finish(kind, alike);
        } else if (kinds.size() >= MOST_KINDS) {
            var oldest = kinds.entrySet().iterator().next();
            finish(oldest.getKey(), oldest.getValue());
        }
        kinds.put(kind, new Alike(entry));
        write(entry, 1);
    }

    private static Refusal kind(Refusal refusal) {
        return refusal.actor().equals(Actor.UNKNOWN)
                ? new Refusal(Actor.UNKNOWN, refusal.address(), "", "", refusal.code())
                : refusal;
    }

    /** Writes what was counted since before a time. */
    private void writeCounted(long before) {
        while (!kinds.isEmpty()) {
            var oldest = kinds.entrySet().iterator().next();
            if (oldest.getValue().since > before) {
                return;
            }
            finish(oldest.getKey(), oldest.getValue());
        }
    }

    private void finish(Refusal kind, Alike alike) {
        kinds.remove(kind);
        if (alike.more > 0) {
            write(alike.last, alike.more);
        }
    }

    private void write(Entry entry, long times) {
        Refusal refusal = entry.refusal();
        database.writing(handle -> handle.createUpdate("""
            INSERT INTO audit_refusal (record_time, actor, address, method, path, code, times)
            VALUES (:time, :actor, :address, :method, :path, :code, :times)
            """)
                .bind("time", entry.time())
                .bind("actor", refusal.actor())
                .bind("address", refusal.address())
                .bind("method", refusal.method())
                .bind("path", refusal.path())
                .bind("code", refusal.code().name())
                .bind("times", times)
                .execute());
    }

    /** Writes what waits and what was counted. */
    @Override
    public void close() {
        // Interrupted, it would lose what it writes just now.
        if (!loop.finish(Duration.ofSeconds(5))) {
            loop.close();
            return;
        }
        try {
            Entry entry;
            while ((entry = queue.poll()) != null) {
                count(entry);
            }
            writeCounted(Long.MAX_VALUE);
        } catch (RuntimeException e) {
            LOG.warn("The last refusals could not be journalled: {}", e.getMessage());
        }
    }
}
