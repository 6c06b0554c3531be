package dev.tidemill.app;

import dev.tidemill.platform.threads.Loop;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects the old generation of the serial collector, which else fills with garbage up to the heap's limit, a quarter of the
 * machine, before it is collected once: a server with 40 MB of live objects came to hold gigabytes. Where live objects are few
 * such a collection takes less than a tenth of a second; where they are many it is left to the collector. Does nothing for other
 * collectors, which do so by themselves.
 */
final class GarbageSweep {
    private static final Logger LOG = LoggerFactory.getLogger(GarbageSweep.class);
    private static final Duration PAUSE = Duration.ofMinutes(1);

    /** What the old generation may hold without being looked at. */
    private static final long FLOOR_BYTES = 128L << 20;
    /** More live objects than these take too long to go through while everybody waits. */
    private static final long MOST_LIVE_BYTES = 256L << 20;
    /** Of as much as this all may be live, as long as nothing is known. */
    private static final long MOST_UNKNOWN_BYTES = 512L << 20;

    /** Once in so many looks at most: a tenth of a second in ten minutes is a six-thousandth of the time. */
    private static final int LOOKS_BETWEEN = 10;

    private final MemoryPoolMXBean old;
    private int looks;

    private GarbageSweep(MemoryPoolMXBean old) {
        this.old = old;
    }

    /** Begins to look once a minute, for the life of the process. */
    static void start() {
        oldGeneration().ifPresent(pool -> {
            var sweep = new GarbageSweep(pool);
            Loop.every("garbage-sweep", PAUSE, sweep::look).start();
        });
    }

    private static Optional<MemoryPoolMXBean> oldGeneration() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getName().equals("Tenured Gen"))
                .findFirst();
    }

    private void look() {
        looks++;
        MemoryUsage afterCollection = old.getCollectionUsage();
        long used = old.getUsage().getUsed();
        if (looks >= LOOKS_BETWEEN && isDue(used, afterCollection.getUsed())) {
            looks = 0;
            long started = System.nanoTime();
            System.gc();
            LOG.debug(
                    "Swept the old generation in {} ms: {} MB before, {} MB after",
                    (System.nanoTime() - started) / 1_000_000,
                    used >> 20,
                    old.getUsage().getUsed() >> 20);
        }
    }

    /**
     * Whether most of the old generation must be garbage, and going through the rest is quick.
     *
     * @param usedBytes by live objects and garbage now
     * @param liveBytes used after the last collection of the old generation; 0 before the first, while nothing is known
     */
    static boolean isDue(long usedBytes, long liveBytes) {
        if (liveBytes == 0) {
            return usedBytes > FLOOR_BYTES && usedBytes < MOST_UNKNOWN_BYTES;
        }
        return usedBytes > Math.max(FLOOR_BYTES, 3 * liveBytes) && liveBytes <= MOST_LIVE_BYTES;
    }
}
