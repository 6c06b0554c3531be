package dev.tidemill.inference.domain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** Predictions that were answered but not journalled, since this process began: how many, why, and the newest ids. Thread-safe. */
final class LostPredictions {
    static final int REMEMBERED = 100_000;

    /**
     * Of a deployment.
     *
     * @param newest id of the one that was lost last
     * @param reason why that one was
     */
    private record Count(long number, String newest, String reason) {}

    private final ConcurrentMap<String, Count> counts = new ConcurrentHashMap<>();
    private final Map<Prediction.Key, Boolean> ids = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Prediction.Key, Boolean> eldest) {
            return size() > REMEMBERED;
        }
    };

    /** Counts those that are not known as lost already. */
    void add(List<Prediction> predictions, String reason) {
        for (Prediction one : predictions) {
            boolean known;
            synchronized (ids) {
                known = ids.put(one.key(), true) != null;
            }
            if (!known) {
                counts.merge(
                        Gateway.key(one.project(), one.deployment()),
                        new Count(1, one.id(), reason),
                        (before, more) -> new Count(before.number() + 1, one.id(), reason));
            }
        }
    }

    /** Counts some of which no more is known than the id of the last. */
    void add(String project, String deployment, long number, String newest, String reason) {
        synchronized (ids) {
            ids.put(new Prediction.Key(project, deployment, newest), true);
        }
        counts.merge(
                Gateway.key(project, deployment),
                new Count(number, newest, reason),
                (before, more) -> new Count(before.number() + number, newest, reason));
    }

    long count() {
        return counts.values().stream().mapToLong(Count::number).sum();
    }

    long count(String project, String deployment) {
        Count count = counts.get(Gateway.key(project, deployment));
        return count == null ? 0 : count.number();
    }

    /** Which of a deployment was lost last, and why; empty where none was. */
    Optional<String> newest(String project, String deployment) {
        return Optional.ofNullable(counts.get(Gateway.key(project, deployment)))
                .map(count -> "'" + count.newest() + "': " + count.reason());
    }

    /** Whether the newest of a deployment was lost for a reason. */
    boolean isReason(String project, String deployment, String reason) {
        Count count = counts.get(Gateway.key(project, deployment));
        return count != null && count.reason().equals(reason);
    }

    /** Whether a prediction is among the newest {@value #REMEMBERED} that were lost. */
    boolean contains(Prediction.Key key) {
        synchronized (ids) {
            return ids.containsKey(key);
        }
    }
}
