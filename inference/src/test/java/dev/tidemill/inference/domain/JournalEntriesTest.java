package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.inference.domain.JournalEntries.Said;
import dev.tidemill.platform.ids.StorableText;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What one request takes of the journal is bounded by its answers as by its inputs. */
class JournalEntriesTest {
    private static ServedVersion version(int number) {
        return new ServedVersion("default", "m", number, new Digest("0".repeat(64)), false);
    }

    private static ServingPlan plan(boolean trial) {
        return new ServingPlan(
                "default",
                "d",
                1,
                version(1),
                trial ? Optional.of(new ServingPlan.Challenger(version(2), 0)) : Optional.empty(),
                false,
                InputPolicy.REFUSE);
    }

    private static Tensor tensor(String name, int rows, int width) {
        return Tensor.numbers(name, Datatype.FP64, new long[] {rows, width}, new double[rows * width]);
    }

    private static JournalEntries.Journalled entries(boolean trial, int rows, Said champion, Said challenger) {
        Tensor x = Tensor.numbers("x", Datatype.FP64, new long[] {rows}, new double[rows]);
        InferenceRequest request =
                InferenceRequest.of(Optional.of("id"), Optional.empty(), Optional.empty(), List.of(x), Instant.EPOCH);
        return JournalEntries.of(plan(trial), request, List.of(x), false, champion, challenger, Instant.EPOCH);
    }

    private static long numbers(JournalEntries.Journalled journalled) {
        return journalled.entries().stream()
                .mapToLong(entry -> entry.champion().size() + entry.challenger().size())
                .sum();
    }

    @Test
    void wideAnswersLeaveRowsOut() {
        Said wide = Said.answered(List.of(tensor("y", 2_000, 768)));
        var alone = entries(false, 2_000, wide, Said.NOTHING);
        assertThat(numbers(alone)).isBetween(100_000L, (long) JournalEntries.MOST_VALUES);
        assertThat(alone.leftOut() + alone.entries().size()).isEqualTo(2_000);

        var before = entries(true, 2_000, wide, Said.NOTHING);
        var after = entries(true, 2_000, wide, wide);
        assertThat(after.entries()).as("as many as were begun").hasSameSizeAs(before.entries());
        assertThat(numbers(after)).isBetween(100_000L, (long) JournalEntries.MOST_VALUES);
    }

    @Test
    void anAnswerAsAWholeThatIsTooMuchIsLeftOut() {
        var image = entries(false, 3, Said.answered(List.of(tensor("y", 1, 300_000))), Said.NOTHING);
        assertThat(image.entries()).isEmpty();
        assertThat(image.leftOut()).isEqualTo(3);
    }

    @Test
    void aShadowThatSaysFarMoreIsNotJournalledWithIt() {
        Said narrow = Said.answered(List.of(tensor("y", 2_000, 1)));
        var journalled = entries(true, 2_000, narrow, Said.answered(List.of(tensor("y", 2_000, 768))));
        assertThat(journalled.entries()).hasSize(2_000);
        assertThat(numbers(journalled)).isEqualTo(2_000);
        assertThat(journalled.entries().getFirst().challengerError())
                .hasValueSatisfying(why -> assertThat(why).contains("768 numbers"));
    }

    @Test
    void wordsOfAFailureCanBeStoredWhereverTheyAreCut() {
        String words = "x".repeat(499 - "java.lang.IllegalStateException: ".length()) + "\uD83D\uDE00\0";
        for (String text : List.of(words, "a\0b", "\uDE00")) {
            String error = Said.failed(new IllegalStateException(text)).error().orElseThrow();
            assertThat(StorableText.is(error)).isTrue();
        }
    }

    private static Tensor numbers(double... values) {
        return Tensor.numbers("y", Datatype.FP64, new long[] {values.length}, values);
    }

    /** Callers would get no number from it. */
    @Test
    void aChallengerThatAnswersNoNumberWhereTheChampionDoesHasFailedOnThatRow() {
        var champion = Said.answered(List.of(numbers(1, 2, Double.NaN, 4)));
        var challenger = Said.answered(List.of(numbers(1, Double.NaN, Double.NaN, Double.NEGATIVE_INFINITY)));
        assertThat(entries(true, 4, champion, challenger).entries())
                .extracting(entry -> entry.challengerError().orElse(""))
                .containsExactly(
                        "",
                        "it answered NaN where the champion answered 2.0",
                        "",
                        "it answered -Infinity where the champion answered 4.0");
        assertThat(entries(true, 4, Said.NOTHING, challenger).entries())
                .allMatch(entry -> entry.challengerError().isEmpty());
        assertThat(entries(true, 4, champion, Said.NOTHING).entries())
                .allMatch(entry -> entry.challengerError().isEmpty());
    }

    private static Tensor texts(long[] shape, String... values) {
        byte[][] bytes = new byte[values.length][];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = values[i].getBytes(StandardCharsets.UTF_8);
        }
        return Tensor.texts("y", shape, bytes);
    }

    @Test
    void theClassThatWasAnsweredIsKept() {
        var said = Said.answered(List.of(texts(new long[] {3}, "yes", "nein", "ü".repeat(256))));
        var trial = Said.answered(List.of(texts(new long[] {3, 1}, "no", "NaN", "x".repeat(257))));
        List<Prediction> entries = entries(true, 3, said, trial).entries();
        assertThat(entries)
                .extracting(Prediction::champion)
                .isEqualTo(List.of(List.of("yes"), List.of("nein"), List.of("ü".repeat(256))));
        assertThat(entries)
                .extracting(Prediction::challenger)
                .as("a name of a number is that number, and a long text no class")
                .isEqualTo(List.of(List.of("no"), List.of(Double.NaN), List.of()));
        List<Prediction> alone = entries(false, 3, said, Said.NOTHING).entries();
        assertThat(alone.getLast().weight() - alone.getFirst().weight())
                .as("a text's length is counted")
                .isEqualTo(2 * (256 - 3));
    }

    /** Of several texts a row none is the class. */
    @Test
    void whatIsNotOneTextARowIsLeftOut() {
        var wide = Said.answered(List.of(texts(new long[] {1, 2}, "a", "b")));
        assertThat(entries(false, 1, wide, Said.NOTHING).entries().getFirst().champion())
                .isEmpty();
        var missing = Said.answered(List.of(Tensor.texts("y", new long[] {1}, new byte[][] {null})));
        assertThat(entries(false, 1, missing, Said.NOTHING).entries().getFirst().champion())
                .isEmpty();
    }
}
