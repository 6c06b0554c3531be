package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gives predictions to a sink, and finds those that it never takes, so that they hold no others up. A prediction that is refused
 * by its code, or whose id stands for another already, is set aside at once. One on which the sink fails otherwise is set aside once it has failed alone, the sink has then
 * taken a new one, and it has still failed; a few are on less {@link Evidence}, as long as the sink takes at least what it knows.
 * Used by one thread.
 */
final class Delivery {
    /** So often is a batch given that fails unexpectedly, before those are looked for that are to blame. */
    static final int TRIES = 3;

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

    private static final int LONGEST_REASON = 500;

    /** Where predictions go that the sink never takes. */
    interface Aside {
        /** Whether a prediction is there; giving it again tells nothing. */
        boolean holds(Prediction prediction);

        void put(Prediction prediction, String reason);
    }

    private record Failed(Prediction prediction, Throwable failure) {}

    private final PredictionSink sink;
    private final Duration patience;
    private final Aside aside;
    private final Evidence evidence = new Evidence();
    /** Of what is being given, what is taken or set aside. */
    private final Set<Prediction> ended = Collections.newSetFromMap(new IdentityHashMap<>());
    /** Whether the sink cannot have taken any of what is being given. */
    private boolean fresh;
    /** The newest that the sink took; giving it again changes nothing, and tells whether the sink works. */
    private @Nullable Prediction taken;

    private long failingSince;

    /**
     * @param patience after which a few predictions on which a sink fails that has never taken any are set aside all the same
     */
    Delivery(PredictionSink sink, Duration patience, Aside aside) {
        this.sink = sink;
        this.patience = patience;
        this.aside = aside;
    }

    /** Whether a failure says neither that the sink is away nor that a prediction is refused. */
    static boolean isUnexpected(Throwable failure) {
        return !(failure instanceof TidemillException coded)
                || !(REFUSED.contains(coded.code()) || PASSING.contains(coded.code()));
    }

    /** How often the sink has taken predictions that were new to it. */
    long news() {
        return evidence.news();
    }

    /**
     * Gives predictions; when this returns, each is taken or set aside.
     *
     * @param fresh whether the sink cannot have taken any of them before
     * @throws RuntimeException if what is {@link #rest not ended} is to be given again
     */
    void give(List<Prediction> batch, boolean fresh) {
        begin(fresh);
        give(batch);
    }

    /** The same, after {@link #give} has failed unexpectedly again and again: looks for those that are to blame. */
    void giveApart(List<Prediction> batch, boolean fresh) {
        begin(fresh);
        List<Failed> failed = search(batch);
        if (failed.isEmpty()) {
            return;
        }
        Throwable last = failed.getLast().failure();
        boolean worksOtherwise = takesAnother() || isPatienceOver(failed);
        boolean allEnded = worksOtherwise;
        for (Failed one : worksOtherwise ? failed : List.<Failed>of()) {
            allEnded &= endAlone(one.prediction());
        }
        if (!allEnded) {
            throw again(last);
        }
    }

    /** Of predictions of the last batch, those that are neither taken nor set aside. */
    List<Prediction> rest(List<Prediction> given) {
        return given.stream().filter(one -> !ended.contains(one)).toList();
    }

    /** Tells that nobody gives predictions again. */
    void giveUp(List<Prediction> predictions) {
        evidence.ended(predictions);
    }

    private void begin(boolean freshOnes) {
        ended.clear();
        fresh = freshOnes;
    }

    private void give(List<Prediction> batch) {
        try {
            append(batch);
            end(batch);
        } catch (TidemillException e) {
            if (!REFUSED.contains(e.code())) {
                throw e;
            }
            if (batch.size() == 1) {
                aside.put(batch.getFirst(), reason(e));
                end(batch);
                return;
            }
            int half = batch.size() / 2;
            give(batch.subList(0, half));
            give(batch.subList(half, batch.size()));
        }
    }

    private void end(List<Prediction> batch) {
        ended.addAll(batch);
        evidence.ended(batch);
    }

    /** Whether a prediction that has failed alone is taken now, or set aside; not if there is too little evidence yet. */
    private boolean endAlone(Prediction prediction) {
        if (!evidence.tellsAgainst(prediction) && !evidence.risksAnother()) {
            return false;
        }
        try {
            give(List.of(prediction));
        } catch (RuntimeException | Error e) {
            if (!isUnexpected(e)) {
                throw e;
            }
            aside.put(prediction, reason(e));
            evidence.setAside(prediction);
            ended.add(prediction);
        }
        return true;
    }

    /**
     * Halves what fails, and tells what fails alone. Fresh ones are tried through to the last, one half before the other: a new one
     * that is taken then tells against all that have failed alone before it, whatever comes later. Others are halved level by level,
     * so that a good part is found soon, and left where there is none in a sink that takes nothing.
     */
    private List<Failed> search(List<Prediction> batch) {
        var failed = new ArrayList<Failed>();
        var parts = new ArrayDeque<>(List.of(batch));
        int failures = 0;
        while (!parts.isEmpty()) {
            List<Prediction> part = parts.removeFirst();
            try {
                give(part);
            } catch (RuntimeException | Error e) {
                if (!isUnexpected(e) || (++failures == MOST_FAILURES && !fresh && !takesAnother())) {
                    throw e;
                }
                if (part.size() == 1) {
                    failedAlone(part.getFirst(), e).ifPresent(failed::add);
                    continue;
                }
                int half = part.size() / 2;
                if (fresh) {
                    parts.addFirst(part.subList(half, part.size()));
                    parts.addFirst(part.subList(0, half));
                } else {
                    parts.addLast(part.subList(0, half));
                    parts.addLast(part.subList(half, part.size()));
                }
            }
        }
        return failed;
    }

    private Optional<Failed> failedAlone(Prediction prediction, Throwable failure) {
        if (aside.holds(prediction)) {
            // It came out of the log again, together with others.
            ended.add(prediction);
            return Optional.empty();
        }
        evidence.failedAlone(prediction);
        return Optional.of(new Failed(prediction, failure));
    }

    private void append(List<Prediction> batch) {
        PredictionSink.Taken outcome = appendKnown(batch);
        taken = batch.getLast();
        if (outcome.written() > 0) {
            evidence.tookNew();
        }
        for (Prediction one : outcome.reused()) {
            aside.put(one, "the id stands for a prediction with other features already");
        }
    }

    private PredictionSink.Taken appendKnown(List<Prediction> batch) {
        PredictionSink.Taken outcome;
        try {
            outcome = sink.append(batch);
        } catch (RuntimeException | Error e) {
            if (failingSince == 0) {
                failingSince = System.nanoTime();
            }
            throw e;
        }
        failingSince = 0;
        return outcome;
    }

    private boolean takesAnother() {
        Prediction known = taken;
        if (known == null) {
            return false;
        }
        try {
            appendKnown(List.of(known));
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
                && failed.size() <= Evidence.FEW
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
        return StorableText.cut(TidemillException.said(failure), LONGEST_REASON);
    }
}
