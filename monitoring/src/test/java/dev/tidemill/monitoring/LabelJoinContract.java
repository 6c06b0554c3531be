package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.monitoring.domain.JournalRow;
import dev.tidemill.monitoring.domain.Label;
import dev.tidemill.monitoring.domain.ReceivedLabels;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.store.SqlVersionStore;
import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of labels as they arrive, on every database. */
abstract class LabelJoinContract extends AssembledMonitoring {
    private final LabelledModels labelled = new LabelledModels();

    @Override
    List<ModelRuntime> runtimes() {
        return List.of(labelled);
    }

    @BeforeEach
    void deployOne() {
        deploy("d");
    }

    private static Prediction answered(
            String id,
            int version,
            List<Object> champion,
            Optional<Integer> challenger,
            List<Object> challengerOutput) {
        boolean failed = challenger.isPresent() && challengerOutput.isEmpty();
        return new Prediction(
                "p",
                "d",
                id,
                START.plus(Duration.ofHours(1)),
                START.plus(Duration.ofDays(300)),
                Map.of("hour", 1.0),
                false,
                version,
                champion,
                challenger,
                challengerOutput,
                failed ? Optional.of("division by zero") : Optional.empty());
    }

    private static Prediction number(String id, double champion) {
        return answered(id, LabelledModels.REGRESSION, List.of(champion), Optional.empty(), List.of());
    }

    private ReceivedLabels label(String... idsAndValues) {
        var labels = new ArrayList<Label>();
        for (int i = 0; i < idsAndValues.length; i += 2) {
            labels.add(new Label(idsAndValues[i], idsAndValues[i + 1]));
        }
        return monitoring.label("p", "d", labels);
    }

    private JournalRow row(String id) {
        return monitoring.newest(all("d"), Optional.empty(), 5_000).items().stream()
                .filter(row -> row.id().equals(id))
                .findFirst()
                .orElseThrow();
    }

    private static void assertRefused(ErrorCode code, String message, Runnable action) {
        assertThatThrownBy(action::run)
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message);
    }

    @Test
    void aLabelTellsTheLossesOfAllThatAnswered() {
        monitoring.append(List.of(
                answered("both", 1, List.of(10.0), Optional.of(2), List.of(12.5)),
                answered("failed", 1, List.of(10.0), Optional.of(2), List.of()),
                number("alone", 10)));
        assertThat(label("both", "13", "failed", "7.5", "alone", "10")).isEqualTo(received(3, 0, 0, 0));
        assertThat(row("both").label()).contains("13");
        assertThat(row("both").championLoss()).contains(3.0);
        assertThat(row("both").challengerLoss()).contains(0.5);
        assertThat(row("failed").championLoss()).contains(2.5);
        assertThat(row("failed").challengerLoss()).isEmpty();
        assertThat(row("alone").championLoss()).contains(0.0);
        assertThat(row("alone").challengerLoss()).isEmpty();
    }

    @Test
    void theLabelOfAClassifierIsRightOrWrong() {
        monitoring.append(List.of(
                answered("right", LabelledModels.CLASSIFIER, List.of(0.2, 0.8), Optional.empty(), List.of()),
                answered("wrong", LabelledModels.CLASSIFIER, List.of(0.2, 0.8), Optional.empty(), List.of()),
                number("number", 4)));
        assertThat(label("right", "yes", "wrong", "no", "number", "5").accepted())
                .isEqualTo(3);
        assertThat(row("right").championLoss()).contains(0.0);
        assertThat(row("wrong").championLoss()).contains(1.0);
        assertThat(row("number").championLoss()).contains(1.0);
    }

    private static Prediction chosen(String id, int version, Object champion) {
        return answered(id, version, List.of(champion), Optional.empty(), List.of());
    }

    @Test
    void aClassThatIsATextIsComparedWithTheLabel() {
        monitoring.append(List.of(
                chosen("right", LabelledModels.CHOOSING, "yes"),
                chosen("wrong", LabelledModels.CHOOSING, "yes"),
                chosen("unnamed", LabelledModels.UNNAMED, "red"),
                chosen("another", LabelledModels.UNNAMED, "red"),
                answered("none", LabelledModels.UNNAMED, List.of(), Optional.empty(), List.of())));
        assertThat(label("right", "yes", "wrong", "no", "unnamed", "red", "another", "blue", "none", "red")
                        .accepted())
                .isEqualTo(5);
        assertThat(row("right").champion()).isEqualTo(List.of("yes"));
        assertThat(row("right").championLoss()).contains(0.0);
        assertThat(row("wrong").championLoss()).contains(1.0);
        assertThat(row("unnamed").championLoss()).contains(0.0);
        assertThat(row("another").championLoss()).contains(1.0);
        assertThat(row("none").label()).contains("red");
        assertThat(row("none").championLoss()).isEmpty();
        assertRefused(
                ErrorCode.INVALID_ARGUMENT,
                "'perhaps' is none of the classes [no, yes]",
                () -> label("right", "perhaps"));
    }

    /** A model that answers its class does not answer the probability of one. */
    @Test
    void aClassThatIsANumberIsTheClassItself() {
        monitoring.append(List.of(
                chosen("one", LabelledModels.NUMBERED, 1.0),
                chosen("two", LabelledModels.NUMBERED, 2.0),
                chosen("three", LabelledModels.NUMBERED, 3.0),
                chosen("wrong", LabelledModels.NUMBERED, 3.0),
                answered("scores", LabelledModels.NUMBERED, List.of(0.1, 0.2, 0.7), Optional.empty(), List.of())));
        label("one", "1", "two", "2", "three", "3", "wrong", "1", "scores", "3");
        for (String id : List.of("one", "two", "three", "scores")) {
            assertThat(row(id).championLoss()).as(id).contains(0.0);
        }
        assertThat(row("wrong").championLoss()).contains(1.0);
    }

    /** Whatever is written for the same value. */
    @Test
    void labelsAreComparedByValue() {
        List<String> truths = List.of("true", "True", "1", "1.0");
        List<String> numbers = List.of("2", "2.0", "2e0", "20E-1");
        for (int i = 0; i < 4; i++) {
            monitoring.append(List.of(
                    chosen("truth-" + i, LabelledModels.TRUTHS, 1.0),
                    chosen("number-" + i, LabelledModels.NUMBERED, 2.0)));
            label("truth-" + i, truths.get(i), "number-" + i, numbers.get(i));
            assertThat(row("truth-" + i).championLoss()).as(truths.get(i)).contains(0.0);
            assertThat(row("number-" + i).championLoss()).as(numbers.get(i)).contains(0.0);
        }
        monitoring.append(
                List.of(chosen("untrue", LabelledModels.TRUTHS, 1.0), chosen("digits", LabelledModels.DIGITS, "1")));
        label("untrue", "false", "digits", "1");
        assertThat(row("untrue").championLoss()).contains(1.0);
        assertThat(row("digits").championLoss()).contains(0.0);
        assertRefused(ErrorCode.INVALID_ARGUMENT, "'1.0' is none of the classes [1, 2]", () -> label("digits", "1.0"));
        assertRefused(
                ErrorCode.INVALID_ARGUMENT, "'4.0' is none of the classes [1, 2, 3]", () -> label("number-0", "4.0"));
        assertRefused(ErrorCode.INVALID_ARGUMENT, "'true' is not a number", () -> {
            monitoring.append(List.of(number("hour", 1)));
            label("hour", "true");
        });
    }

    /** What a double does not hold exactly is compared exactly, or not at all. */
    @Test
    void neighbouringWholeNumbersAreDifferentClasses() {
        var one = new BigInteger("9007199254740993");
        monitoring.append(List.of(
                chosen("right", LabelledModels.LARGE, one),
                chosen("wrong", LabelledModels.LARGE, one),
                chosen("rounded", LabelledModels.LARGE, 9007199254740992.0)));
        label("right", "9007199254740993", "wrong", "9007199254740992", "rounded", "9007199254740992");
        assertThat(row("right").champion()).isEqualTo(List.of(one));
        assertThat(row("right").championLoss()).contains(0.0);
        assertThat(row("wrong").championLoss()).contains(1.0);
        assertThat(row("rounded").label()).isPresent();
        assertThat(row("rounded").championLoss())
                .as("as the journal kept it before")
                .isEmpty();
        // As JSON's fractions are read, which may have been the neighbour.
        assertRefused(
                ErrorCode.INVALID_ARGUMENT, "is none of the classes", () -> label("right", "9.007199254740992E15"));
    }

    @Test
    void whatIsNoNumberOfJsonIsNone() {
        monitoring.append(List.of(chosen("class", LabelledModels.NUMBERED, 2.0), number("number", 2)));
        for (String value : List.of("2d", "2f", "0x2p0", " 2 ", "+2", ".2e1", "2.", "02", "\u0662", "1e999")) {
            assertRefused(ErrorCode.INVALID_ARGUMENT, "is none of the classes [1, 2, 3]", () -> label("class", value));
            assertRefused(ErrorCode.INVALID_ARGUMENT, "is not a number", () -> label("number", value));
        }
        label("number", "1e-999999999999");
        assertThat(row("number").championLoss()).contains(2.0);
    }

    @Test
    void textsThatAreSpelledLikeTruthsAreTexts() {
        monitoring.append(List.of(
                chosen("right", LabelledModels.SPELLED, "True"), chosen("wrong", LabelledModels.SPELLED, "True")));
        label("right", "True", "wrong", "true");
        assertThat(row("right").championLoss()).contains(0.0);
        assertThat(row("wrong").championLoss()).contains(1.0);
        for (String value : List.of("1", "0", "TRUE", "1.0")) {
            assertRefused(
                    ErrorCode.INVALID_ARGUMENT,
                    "'" + value + "' is none of the classes [False, True, true]",
                    () -> label("right", value));
        }
    }

    /** A label is kept as it was sent, and would be another class to whoever learns from it. */
    @Test
    void classesThatAreStringsAreLabelledByTheirVeryLetters() {
        monitoring.append(
                List.of(answered("row", LabelledModels.STRINGS, List.of(0.2, 0.8), Optional.empty(), List.of())));
        for (String value : List.of("False", "TRUE", "0", "1", "1.0")) {
            assertRefused(
                    ErrorCode.INVALID_ARGUMENT,
                    "'" + value + "' is none of the classes [false, true]",
                    () -> label("row", value));
        }
        label("row", "true");
        assertThat(row("row").championLoss()).contains(0.0);
    }

    /** Each side means by its answer what its own version does. */
    @Test
    void aChallengerOfAnotherFormIsComparedByItsOwn() {
        monitoring.append(List.of(
                answered(
                        "b",
                        LabelledModels.CLASSIFIER,
                        List.of(0.2, 0.8),
                        Optional.of(LabelledModels.CHOOSING),
                        List.of("no")),
                answered(
                        "c",
                        LabelledModels.CHOOSING,
                        List.of("no"),
                        Optional.of(LabelledModels.CLASSIFIER),
                        List.of(0.2, 0.8)),
                answered(
                        "d",
                        LabelledModels.CHOOSING,
                        List.of("no"),
                        Optional.of(LabelledModels.NUMBERED),
                        List.of(2.0)),
                answered("e", LabelledModels.CHOOSING, List.of("no"), Optional.of(99), List.of(2.0))));
        assertThat(label("b", "yes", "c", "yes", "d", "no", "e", "no").accepted())
                .isEqualTo(4);
        assertThat(row("b").championLoss()).contains(0.0);
        assertThat(row("b").challengerLoss()).contains(1.0);
        assertThat(row("c").championLoss()).contains(1.0);
        assertThat(row("c").challengerLoss()).contains(0.0);
        assertThat(row("d").challengerLoss()).as("not one of its classes").contains(1.0);
        assertThat(row("e").championLoss()).contains(0.0);
        assertThat(row("e").challengerLoss()).as("a version that is gone").isEmpty();
    }

    /** As of a version that was turned down on trial, and is not trusted any more. */
    @Test
    void aChallengerThatCannotBeLoadedKeepsNoLabelAway() {
        labelled.fail(LabelledModels.CHOOSING);
        monitoring.append(List.of(answered(
                "a",
                LabelledModels.CLASSIFIER,
                List.of(0.2, 0.8),
                Optional.of(LabelledModels.CHOOSING),
                List.of("no"))));
        assertThat(label("a", "yes").accepted()).isEqualTo(1);
        assertThat(row("a").championLoss()).contains(0.0);
        assertThat(row("a").challengerLoss()).isEmpty();
    }

    /** What is no number has no distance from one: it must not make the sums of a window no numbers. */
    @Test
    void whatIsNoNumberHasNoLoss() {
        monitoring.append(List.of(
                answered("odd", 1, List.of(Double.NaN), Optional.of(2), List.of(Double.POSITIVE_INFINITY)),
                number("whole", 4)));
        assertThat(label("odd", "3", "whole", "3").accepted()).isEqualTo(2);
        assertThat(row("odd").label()).contains("3");
        assertThat(row("odd").championLoss()).isEmpty();
        assertThat(row("odd").challengerLoss()).isEmpty();
        assertThat(row("whole").championLoss()).contains(1.0);
    }

    private static ReceivedLabels received(int accepted, int corrected, int repeated, int late) {
        return new ReceivedLabels(accepted, corrected, repeated, List.of(), List.of(), late, List.of());
    }

    @Test
    void theLastLabelCountsAlsoWithinOneRequest() {
        monitoring.append(List.of(number("a", 10), number("b", 10)));
        assertThat(label("a", "11", "a", "99", "a", "99", "a", "12")).isEqualTo(received(1, 2, 1, 0));
        assertThat(row("a").label()).contains("12");
        assertThat(row("a").championLoss()).contains(2.0);
        assertThat(label("a", "99", "b", "12")).isEqualTo(received(1, 1, 0, 0));
        assertThat(row("a").label()).contains("99");
        assertThat(row("a").championLoss()).contains(89.0);
        assertThat(row("b").championLoss()).contains(2.0);
        assertThat(label("a", "99", "b", "12")).isEqualTo(received(0, 0, 2, 0));
        assertRefused(ErrorCode.INVALID_ARGUMENT, "'many' is not a number", () -> label("a", "many"));
        assertThat(row("a").label()).contains("99");
    }

    /** Nobody knows what the labels of a version that is gone mean; those of the others are taken. */
    @Test
    void aLabelWhoseVersionIsGoneIsRefusedAlone() {
        monitoring.append(List.of(
                number("there", 10),
                answered("gone", LabelledModels.CLASSIFIER, List.of(0.2, 0.8), Optional.empty(), List.of())));
        new SqlVersionStore(database).delete("p", "m", LabelledModels.CLASSIFIER, START);
        ReceivedLabels received = label("gone", "yes", "there", "11");
        assertThat(received.accepted()).isEqualTo(1);
        assertThat(received.repeated()).isZero();
        assertThat(received.refused()).singleElement().satisfies(refused -> {
            assertThat(refused.id()).isEqualTo("gone");
            assertThat(refused.reason()).contains("version " + LabelledModels.CLASSIFIER);
        });
        assertThat(row("there").label()).contains("11");
        assertThat(row("gone").label()).isEmpty();
    }

    /** What may be loaded at the next call is no reason to lose a label. */
    @Test
    void aLabelWhoseVersionCannotBeLoadedNowRefusesAll() {
        monitoring.append(List.of(
                number("there", 10),
                answered("later", LabelledModels.CLASSIFIER, List.of(0.2, 0.8), Optional.empty(), List.of())));
        labelled.fail(true);
        assertRefused(ErrorCode.FAILED_PRECONDITION, "ended", () -> label("later", "yes", "there", "11"));
        assertThat(row("there").label()).isEmpty();
        labelled.fail(false);
        assertThat(label("later", "yes", "there", "11").accepted()).isEqualTo(2);
    }

    @Test
    void labelsOfNoPredictionAreNamed() {
        monitoring.append(List.of(number("a", 10)));
        assertThat(label("nobody", "1", "a", "2", "no one", "3"))
                .isEqualTo(new ReceivedLabels(1, 0, 0, List.of("nobody", "no one"), List.of(), 0, List.of()));
        assertThat(label()).isEqualTo(received(0, 0, 0, 0));
    }

    /** One value that is none refuses all, however many units of work they would take. */
    @Test
    void oneBadValueRefusesAll() {
        var rows = new ArrayList<Prediction>();
        var labels = new ArrayList<Label>();
        for (int i = 0; i < 1_200; i++) {
            rows.add(number("row-" + i, i));
            labels.add(new Label("row-" + i, String.valueOf(i)));
        }
        rows.add(answered("class", LabelledModels.CLASSIFIER, List.of(0.2, 0.8), Optional.empty(), List.of()));
        monitoring.append(rows);
        for (String value : List.of("many", "", "NaN", "Infinity", "-Infinity")) {
            labels.set(1_199, new Label("row-1199", value));
            assertRefused(
                    ErrorCode.INVALID_ARGUMENT,
                    "'" + value + "' is not a number",
                    () -> monitoring.label("p", "d", labels));
        }
        assertRefused(
                ErrorCode.INVALID_ARGUMENT,
                "'maybe' is none of the classes [no, yes]",
                () -> label("row-0", "1", "class", "maybe"));
        assertThat(monitoring.newest(all("d"), Optional.empty(), 5_000).items())
                .hasSize(1_201)
                .allSatisfy(row -> assertThat(row.label()).isEmpty());
        labels.removeLast();
        assertThat(monitoring.label("p", "d", labels).accepted()).isEqualTo(1_199);
    }

    @Test
    void labelsOfADeploymentThatIsNotThereAreRefused() {
        monitoring.append(List.of(number("a", 10)));
        assertRefused(ErrorCode.NOT_FOUND, "other", () -> monitoring.label("p", "other", List.of(new Label("a", "1"))));
        deployments.delete("p", "d", "user:ada");
        assertRefused(ErrorCode.NOT_FOUND, "d", () -> label("a", "1"));
    }

    /** A label later than the monitor's delay is kept, and counted as one that counts in no window. */
    @Test
    void labelsOfRowsThatHaveBeenSummedAreLate() {
        monitoring.append(hours("d", 0, 40));
        assertThat(label("row-3", "3").late()).isZero();
        watching.loop().start();
        settle("d");
        // Ticks up to the 39th hour have summed what is an hour older.
        assertThat(label("row-37", "1", "row-38", "1", "row-39", "1", "row-3", "9", "row-0", "1"))
                .isEqualTo(received(4, 1, 0, 3));
        assertThat(monitoring.state("p", "d").orElseThrow().lateLabels()).isEqualTo(3);
        assertThat(row("row-3").label()).contains("9");
        assertThat(row("row-0").label()).contains("1");
    }
}
