package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Gives predictions to a sink, and finds those that it never takes, so that they hold no others up. A prediction that is refused
 * by its code is set aside at once. One on which the sink fails otherwise is set aside once it has failed alone, the sink has then
 * taken another again, and it has still failed: a sink that takes nothing at all says nothing of a prediction. Used by one thread.
 */
final class Delivery {
    /** What a sink says of a prediction that it will never take. */
    private static final Set<ErrorCode> REFUSED = EnumSet.of(
            ErrorCode.NOT_FOUND,
            ErrorCode.INVALID_ARGUMENT,
            ErrorCode.INVALID_DEFINITION,
            ErrorCode.INVALID_DATA,
            ErrorCode.TOO_LARGE);

    /** What a sink says of the moment. */
    private static final Set<ErrorCode> PASSING = EnumSet.of(
            ErrorCode.UNAVAILABLE,
            ErrorCode.STORAGE_FULL,
            ErrorCode.TIMEOUT,
            ErrorCode.TOO_SLOW,
            ErrorCode.RATE_LIMITED,
            ErrorCode.CANCELLED);

    /** So many failures of parts of one batch, and it is asked whether the sink takes anything at all. */
    private static final int MOST_FAILURES = 128;

    /** So many at most are set aside without the sink having taken another. */
    private static final int FEW = 20;

    private static final int LONGEST_REASON = 500;

    private record Failed(Prediction prediction, Throwable failure) {}

    private final PredictionSink sink;
    private final Duration patience;
    private final BiConsumer<Prediction, String> aside;
    /** The newest that the sink took; giving it again changes nothing, and tells whether the sink works. */
    private @Nullable Prediction taken;

    private long failingSince;

    /**
     * @param patience after which a few predictions on which a sink fails that has never taken any are set aside all the same
     * @param aside what becomes of a prediction that is not taken, and why
     */
    Delivery(PredictionSink sink, Duration patience, BiConsumer<Prediction, String> aside) {
        this.sink = sink;
        this.patience = patience;
        this.aside = aside;
    }

    /** Whether a failure says neither that the sink is away nor that a prediction is refused. */
    static boolean isUnexpected(Throwable failure) {
        return !(failure instanceof TidemillException coded)
                || !(REFUSED.contains(coded.code()) || PASSING.contains(coded.code()));
    }

    /**
     * Gives predictions; when this returns, each is taken or set aside.
     *
     * @throws RuntimeException if they are to be given again
     */
    void give(List<Prediction> batch) {
        try {
            append(batch);
        } catch (TidemillException e) {
            if (!REFUSED.contains(e.code())) {
                throw e;
            }
            if (batch.size() == 1) {
                aside.accept(batch.getFirst(), reason(e));
                return;
            }
            int half = batch.size() / 2;
            give(batch.subList(0, half));
            give(batch.subList(half, batch.size()));
        }
    }

    /** The same, after {@link #give} has failed unexpectedly again and again: looks for those that are to blame. */
    void giveApart(List<Prediction> batch) {
        List<Failed> failed = search(batch);
        if (failed.isEmpty()) {
            return;
        }
        if (!takesAnother() && !isPatienceOver(failed)) {
            throw again(failed.getLast().failure());
        }
        for (Failed one : failed) {
            try {
                give(List.of(one.prediction()));
            } catch (RuntimeException | Error e) {
                if (!isUnexpected(e)) {
                    throw e;
                }
                aside.accept(one.prediction(), reason(e));
            }
        }
    }

    /** Halves what fails, level by level, so that a good part is found soon; gives those that fail alone. */
    private List<Failed> search(List<Prediction> batch) {
        var failed = new ArrayList<Failed>();
        var parts = new ArrayDeque<>(List.of(batch));
        int failures = 0;
        while (!parts.isEmpty()) {
            List<Prediction> part = parts.removeFirst();
            try {
                give(part);
            } catch (RuntimeException | Error e) {
                if (!isUnexpected(e) || (++failures == MOST_FAILURES && !takesAnother())) {
                    throw e;
                }
                if (part.size() == 1) {
                    failed.add(new Failed(part.getFirst(), e));
                } else {
                    int half = part.size() / 2;
                    parts.add(part.subList(0, half));
                    parts.add(part.subList(half, part.size()));
                }
            }
        }
        return failed;
    }

    private void append(List<Prediction> batch) {
        try {
            sink.append(batch);
        } catch (RuntimeException | Error e) {
            if (failingSince == 0) {
                failingSince = System.nanoTime();
            }
            throw e;
        }
        taken = batch.getLast();
        failingSince = 0;
    }

    private boolean takesAnother() {
        Prediction known = taken;
        if (known == null) {
            return false;
        }
        try {
            append(List.of(known));
            return true;
        } catch (RuntimeException | Error e) {
            if (e instanceof TidemillException coded && REFUSED.contains(coded.code())) {
                // Its deployment is gone; it tells nothing any more.
                taken = null;
            }
            return false;
        }
    }

    private boolean isPatienceOver(List<Failed> failed) {
        return taken == null
                && failed.size() <= FEW
                && failingSince != 0
                && System.nanoTime() - failingSince > patience.toNanos();
    }

    private static RuntimeException again(Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        return (RuntimeException) failure;
    }

    private static String reason(Throwable failure) {
        String text = failure instanceof TidemillException coded ? coded.message() : failure.toString();
        return text.substring(0, Math.min(text.length(), LONGEST_REASON));
    }
}
