package dev.tidemill.inference.domain;

import java.util.HashMap;
import java.util.Map;

/**
 * Tells whether it is a prediction or its sink that is to blame where the sink fails. A sink may take what it knows already, which
 * writes nothing, and fail for everything else; so it is only a new prediction that it has taken since one has failed alone that
 * tells against that one. Without such evidence few are risked. Used by one thread.
 */
final class Evidence {
    /** So many at most are set aside without evidence, until the sink has taken a new one. */
    static final int FEW = 20;

    /** So many that have failed alone are remembered; others once these are taken or set aside. */
    private static final int MOST_REMEMBERED = 100_000;

    /** Those that have failed alone, with the number of times that the sink had taken new ones by then. */
    private final Map<Prediction.Key, Long> failed = new HashMap<>();

    private long news;
    private int risked;

    /** How often the sink has taken predictions that were new to it. */
    long news() {
        return news;
    }

    void tookNew() {
        news++;
        risked = 0;
    }

    void failedAlone(Prediction prediction) {
        if (failed.size() < MOST_REMEMBERED) {
            failed.putIfAbsent(prediction.key(), news);
        }
    }

    /** Whether the sink has taken a new one since a prediction failed alone for the first time. */
    boolean tellsAgainst(Prediction prediction) {
        return failed.getOrDefault(prediction.key(), news) < news;
    }

    /** Whether another may be set aside without evidence. */
    boolean risksAnother() {
        return risked < FEW;
    }

    /** Notes that a prediction is set aside because the sink fails for it. */
    void setAside(Prediction prediction) {
        if (!tellsAgainst(prediction)) {
            risked++;
        }
        failed.remove(prediction.key());
    }

    /** Notes that predictions are taken, or refused by their code. */
    void ended(Iterable<Prediction> predictions) {
        if (!failed.isEmpty()) {
            predictions.forEach(one -> failed.remove(one.key()));
        }
    }
}
