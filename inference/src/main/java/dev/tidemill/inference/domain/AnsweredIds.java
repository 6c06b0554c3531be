package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the ids that callers gave of late stand for, so that none is answered for two contents. Of each prediction a hash of its
 * features is kept; where two features share one, or an id was used longer ago, the journal still tells them apart. Thread-safe.
 */
final class AnsweredIds {
    static final int REMEMBERED = 50_000;

    /** SplitMix64's multipliers (Steele, Lea and Flood 2014). */
    private static final long MIX_1 = 0xBF58476D1CE4E5B9L;

    private static final long MIX_2 = 0x94D049BB133111EBL;

    /** The one that was given longest ago first. */
    private final Map<Prediction.Key, Long> contents = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Prediction.Key, Long> eldest) {
            return size() > REMEMBERED;
        }
    };

    /**
     * Notes predictions that are about to be answered.
     *
     * @return the keys that were not known, to be {@link #forget forgotten} if there is no answer
     * @throws TidemillException {@code ALREADY_EXISTS} if one's id stands for other features; nothing is noted then
     */
    List<Prediction.Key> note(List<Prediction> predictions) {
        long[] given = predictions.stream()
                .mapToLong(one -> fingerprint(one.features()))
                .toArray();
        var fresh = new ArrayList<Prediction.Key>();
        synchronized (contents) {
            for (int i = 0; i < given.length; i++) {
                Prediction.Key key = predictions.get(i).key();
                Long known = contents.get(key);
                if (known == null) {
                    fresh.add(key);
                } else if (known != given[i]) {
                    throw reused(key);
                }
            }
            for (int i = 0; i < given.length; i++) {
                contents.put(predictions.get(i).key(), given[i]);
            }
        }
        return fresh;
    }

    private static TidemillException reused(Prediction.Key key) {
        return new TidemillException(
                        ErrorCode.ALREADY_EXISTS,
                        "The id '" + key.id() + "' stands for a prediction of deployment '" + key.deployment()
                                + "' with other features already")
                .remedy("Give each request an id of its own, or none; rows of a request 'a' are called 'a.0', 'a.1'");
    }

    /** Forgets predictions that nobody got. */
    void forget(List<Prediction.Key> keys) {
        synchronized (contents) {
            keys.forEach(contents::remove);
        }
    }

    /** Forgets those of all deployments but some. */
    void retain(Set<String> deployments) {
        synchronized (contents) {
            contents.keySet().removeIf(key -> !deployments.contains(Gateway.key(key.project(), key.deployment())));
        }
    }

    /** A hash that does not depend on the order of the features, but on which feature has which value. */
    static long fingerprint(Map<String, @Nullable Object> features) {
        long sum = features.size();
        for (Map.Entry<String, @Nullable Object> feature : features.entrySet()) {
            sum += mixed(mixed(hash(feature.getKey())) + hash(feature.getValue()));
        }
        return sum;
    }

    private static long hash(@Nullable Object value) {
        return switch (value) {
            case null -> 1;
            case String text -> {
                long hash = 2;
                for (int i = 0; i < text.length(); i++) {
                    hash = hash * MIX_1 + text.charAt(i);
                }
                yield hash;
            }
            case Double number -> Double.doubleToLongBits(number) + 3;
            case Long number -> number + 4;
            default -> value.hashCode() + 5L;
        };
    }

    private static long mixed(long hash) {
        long first = (hash ^ (hash >>> 30)) * MIX_1;
        long second = (first ^ (first >>> 27)) * MIX_2;
        return second ^ (second >>> 31);
    }
}
