package dev.tidemill.platform.http;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** Ends requests whose bodies come more slowly than the least rate, over each {@link #STRETCH} of waiting for them. Thread-safe. */
final class SlowClients implements AutoCloseable {
    static final Duration STRETCH = Duration.ofSeconds(10);

    /** A body on its way; only the time in which somebody waits for its next bytes counts. */
    final class Watch implements AutoCloseable {
        private final Runnable end;
        private long bytes;
        private long waited;
        private long waitsSince;
        private boolean waits;

        private Watch(Runnable end) {
            this.end = end;
        }

        synchronized void waits() {
            waitsSince = System.nanoTime();
            waits = true;
        }

        synchronized void came(long more) {
            bytes += more;
            settle(System.nanoTime());
            waits = false;
        }

        private void settle(long now) {
            if (waits) {
                waited += now - waitsSince;
                waitsSince = now;
            }
        }

        private synchronized boolean isTooSlow(long now) {
            settle(now);
            if (waited < STRETCH.toNanos()) {
                return false;
            }
            boolean slow = bytes < leastPerSecond * STRETCH.toSeconds();
            waited = 0;
            bytes = 0;
            return slow;
        }

        @Override
        public void close() {
            watches.remove(this);
        }
    }

    private final long leastPerSecond;
    private final Set<Watch> watches = ConcurrentHashMap.newKeySet();
    private final LongAdder ended = new LongAdder();
    private final ScheduledExecutorService sweeper = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("slow-clients").factory());

    /** @param leastPerSecond bytes */
    SlowClients(long leastPerSecond) {
        this.leastPerSecond = leastPerSecond;
        var unused = sweeper.scheduleWithFixedDelay(this::sweep, 1, 1, TimeUnit.SECONDS);
    }

    /** @param end what to do once the body is found too slow; called once at most */
    Watch watch(Runnable end) {
        var watch = new Watch(end);
        watches.add(watch);
        return watch;
    }

    long ended() {
        return ended.sum();
    }

    private void sweep() {
        long now = System.nanoTime();
        for (Watch watch : watches) {
            try {
                if (watch.isTooSlow(now) && watches.remove(watch)) {
                    ended.increment();
                    watch.end.run();
                }
            } catch (RuntimeException | Error e) {
                // its connection is gone; the others are still to be judged
            }
        }
    }

    @Override
    public void close() {
        sweeper.shutdownNow();
    }
}
