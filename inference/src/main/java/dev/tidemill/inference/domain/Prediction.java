package dev.tidemill.inference.domain;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One journalled prediction.
 *
 * @param id unique within the deployment
 * @param challengerServed whether the challenger's output was the answer
 * @param champion its {@linkplain AnswerValues output}; empty where it was not asked or failed beside an answering challenger
 * @param challengerVersion of the challenger that was asked; empty where none was
 * @param challenger its output; empty where it failed
 * @param challengerError why it failed
 */
public record Prediction(
        String project,
        String deployment,
        String id,
        Instant eventTime,
        Instant receivedAt,
        Map<String, @Nullable Object> features,
        boolean challengerServed,
        int championVersion,
        List<Object> champion,
        Optional<Integer> challengerVersion,
        List<Object> challenger,
        Optional<String> challengerError) {
    public Prediction {
        // They also come out of files and from other processes.
        for (Object part : new Object[] {
            project,
            deployment,
            id,
            eventTime,
            receivedAt,
            features,
            champion,
            challengerVersion,
            challenger,
            challengerError
        }) {
            Objects.requireNonNull(part, "A prediction lacks a part");
        }
        champion = AnswerValues.read(champion);
        challenger = AnswerValues.read(challenger);
    }

    private static final int BYTES_OF_ONE = 400;
    /** Of an entry of a map with its name and a boxed number. */
    private static final int BYTES_OF_VALUE = 128;

    private static final int BYTES_OF_NUMBER = 24;

    /** About how many bytes of memory it takes. */
    long weight() {
        long bytes = BYTES_OF_ONE + weight(champion) + weight(challenger);
        for (Object value : features.values()) {
            bytes += BYTES_OF_VALUE;
            if (value instanceof CharSequence text) {
                bytes += 2L * text.length();
            } else if (value instanceof Collection<?> several) {
                bytes += (long) BYTES_OF_VALUE * several.size();
            }
        }
        return bytes;
    }

    private static long weight(List<?> answer) {
        return answer.size() == 1 && answer.getFirst() instanceof String text
                ? BYTES_OF_VALUE + 2L * text.length()
                : (long) BYTES_OF_NUMBER * answer.size();
    }

    /** What no two predictions share. */
    public record Key(String project, String deployment, String id) {}

    public Key key() {
        return new Key(project, deployment, id);
    }
}
