package dev.tidemill.platform.retention;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/** What is kept for a while, and besides no more of it than so many. Thread-safe if its parts are. */
public final class LimitedRows implements Kept {
    /** Share of the limit from which on the estimate of how many there are is looked into. */
    private static final double NEAR = 0.8;

    private final Kept byAge;
    private final long most;
    private final LongSupplier deleteBeyond;

    /**
     * @param byAge the same, by age alone
     * @param most how many stay; 0 for any number
     * @param deleteBeyond deletes what is beyond that, in short units of work, and tells how many went; asked only where there may be
     *     enough
     */
    public LimitedRows(Kept byAge, long most, LongSupplier deleteBeyond) {
        this.byAge = byAge;
        this.most = most;
        this.deleteBeyond = deleteBeyond;
    }

    @Override
    public String name() {
        return byAge.name();
    }

    @Override
    public Optional<Duration> keep() {
        return byAge.keep();
    }

    @Override
    public OptionalLong most() {
        return most == 0 ? OptionalLong.empty() : OptionalLong.of(most);
    }

    @Override
    public long entries() {
        return byAge.entries();
    }

    @Override
    public long collect(Instant now) {
        long deleted = byAge.collect(now);
        return most == 0 || entries() <= most * NEAR ? deleted : deleted + deleteBeyond.getAsLong();
    }
}
