package dev.tidemill.app;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A figure that is expensive to find: measured in the background, one measurement at a time and at most every five minutes, when
 * somebody asks for it. Whoever asks is told what was found last, and waits for the first measurement alone, if at all. Thread-safe.
 */
final class Measured<T> {
    static final Duration FRESH = Duration.ofMinutes(5);
    private static final Logger LOG = LoggerFactory.getLogger(Measured.class);

    /**
     * What was found.
     *
     * @param at when
     */
    record Finding<T>(T value, Instant at) {}

    private final String name;
    private final Supplier<T> measurement;
    private final Executor background;
    private final Clock clock;
    private final AtomicBoolean measuring = new AtomicBoolean();
    private final CountDownLatch first = new CountDownLatch(1);
    private volatile Optional<Finding<T>> newest = Optional.empty();
    private volatile Instant triedAt = Instant.EPOCH;

    /** @param name for a log, as "sizes of folders" */
    Measured(String name, Supplier<T> measurement, Clock clock) {
        this(name, measurement, work -> Thread.ofVirtual().name(name).start(work), clock);
    }

    Measured(String name, Supplier<T> measurement, Executor background, Clock clock) {
        this.name = name;
        this.measurement = measurement;
        this.background = background;
        this.clock = clock;
    }

    /** What was found last; empty until the first measurement has ended. */
    Optional<Finding<T>> newest() {
        if (!clock.instant().isBefore(triedAt.plus(FRESH)) && measuring.compareAndSet(false, true)) {
            background.execute(this::measure);
        }
        return newest;
    }

    /** The same, waiting for the first measurement for a while: a person asks again no sooner than that. */
    Optional<Finding<T>> newest(Duration patience) {
        Optional<Finding<T>> known = newest();
        if (known.isPresent()) {
            return known;
        }
        try {
            first.await(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return newest;
    }

    private void measure() {
        try {
            newest = Optional.of(new Finding<>(measurement.get(), clock.instant()));
            first.countDown();
        } catch (RuntimeException e) {
            LOG.warn("{} could not be measured; what was found before is told: {}", name, e.toString());
        } finally {
            triedAt = clock.instant();
            measuring.set(false);
        }
    }

    /** Seconds since the last measurement; not a number before the first. */
    double ageSeconds() {
        return newest().map(finding ->
                        Duration.between(finding.at(), clock.instant()).toMillis() / 1e3)
                .orElse(Double.NaN);
    }
}
