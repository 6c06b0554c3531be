package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether anybody still waits for an answer: it is cancelled once the caller has gone or the request's time is over. It looks
 * for that only while there is somebody to tell, so a call that never waits costs nothing. Thread-safe.
 */
public final class Cancellation implements AutoCloseable {
    /** Of a call that somebody waits for in any case. */
    public static final Cancellation NEVER = new Cancellation(() -> false, Optional.empty(), false);

    /** Longest that a call may take which tries a model before anybody gets it. */
    public static final Duration LONGEST_TRIAL = Duration.ofSeconds(30);

    private static final long LOOK_NANOS = 100_000_000L;

    private final BooleanSupplier gone;
    private final Optional<Duration> timeout;
    private final long deadline;
    private final boolean possible;
    private final ReentrantLock lock = new ReentrantLock();
    private final Set<Notice> notices = new LinkedHashSet<>();
    private volatile @Nullable TidemillException reason;
    private boolean looking;
    private boolean closed;

    private Cancellation(BooleanSupplier gone, Optional<Duration> timeout, boolean possible) {
        this.gone = gone;
        this.timeout = timeout;
        this.deadline = System.nanoTime() + timeout.map(Duration::toNanos).orElse(0L);
        this.possible = possible;
    }

    /**
     * Of a call that begins now.
     *
     * @param gone whether the caller has left; asked by one thread at a time, and never after {@link #close}
     * @param timeout after which nobody wants the answer any more
     */
    public static Cancellation of(BooleanSupplier gone, Optional<Duration> timeout) {
        return new Cancellation(gone, timeout, true);
    }

    /** Of a call that begins now and ends after so long, though nobody leaves it. */
    public static Cancellation after(Duration longest) {
        return of(() -> false, Optional.of(longest));
    }

    /** Of a call that several wait for: cancelled when all of them are. */
    static Cancellation all(List<Cancellation> several) {
        return several.size() == 1
                ? several.getFirst()
                : of(() -> several.stream().allMatch(Cancellation::isCancelled), Optional.empty());
    }

    /** Looks whether anybody still waits. */
    public boolean isCancelled() {
        if (reason == null && possible) {
            lock.lock();
            try {
                look();
            } finally {
                lock.unlock();
            }
        }
        return reason != null;
    }

    /** @throws TidemillException {@code CANCELLED} or {@code TIMEOUT} if nobody waits any more */
    public void check() {
        if (isCancelled()) {
            throw exception();
        }
    }

    /** What a cancelled call ends with: {@code CANCELLED} if the caller has gone, {@code TIMEOUT} if its time was over. */
    public TidemillException exception() {
        TidemillException why = reason;
        return why == null
                ? new TidemillException(ErrorCode.CANCELLED, "The call was cancelled")
                : new TidemillException(why.code(), why.message());
    }

    /** Who is told of a cancellation, until closed. */
    public final class Notice implements AutoCloseable {
        private final Runnable action;

        private Notice(Runnable action) {
            this.action = action;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                notices.remove(this);
            } finally {
                lock.unlock();
            }
        }
    }

    /** Runs an action, short and once, as soon as nobody waits any more; at once if that is so already. */
    public Notice onCancel(Runnable action) {
        var notice = new Notice(action);
        if (!possible) {
            return notice;
        }
        lock.lock();
        try {
            if (reason == null) {
                notices.add(notice);
                if (!looking) {
                    looking = true;
                    lookSoon();
                }
                return notice;
            }
        } finally {
            lock.unlock();
        }
        action.run();
        return notice;
    }

    private void lookSoon() {
        long wait = timeout.isPresent() ? Math.min(LOOK_NANOS, Math.max(0, deadline - System.nanoTime())) : LOOK_NANOS;
        CompletableFuture.delayedExecutor(wait, TimeUnit.NANOSECONDS, Thread::startVirtualThread)
                .execute(this::lookAndTell);
    }

    private void lookAndTell() {
        List<Notice> told;
        lock.lock();
        try {
            if (notices.isEmpty() || closed) {
                looking = false;
                return;
            }
            look();
            if (reason == null) {
                lookSoon();
                return;
            }
            told = List.copyOf(notices);
            notices.clear();
        } finally {
            lock.unlock();
        }
        told.forEach(notice -> notice.action.run());
    }

    private void look() {
        if (reason != null || closed) {
            return;
        }
        if (timeout.isPresent() && System.nanoTime() - deadline >= 0) {
            reason = new TidemillException(
                    ErrorCode.TIMEOUT,
                    "The request was not answered within its time-out of "
                            + timeout.get().toMillis() + " ms");
        } else if (gone.getAsBoolean()) {
            reason = new TidemillException(ErrorCode.CANCELLED, "The caller has gone");
        }
    }

    /** Ends the looking; the answer is on its way. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            notices.clear();
        } finally {
            lock.unlock();
        }
    }
}
