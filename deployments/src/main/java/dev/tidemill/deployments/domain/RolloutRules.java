package dev.tidemill.deployments.domain;

import java.time.Duration;
import java.util.Locale;

/** The rules by which a challenger moves on or leaves. Pure: equal evidence gives equal verdicts. */
public final class RolloutRules {
    private static final long FEWEST_FAILURES = 5;
    private static final double MOST_FAILURES = 0.01;

    private RolloutRules() {}

    /** What is to be done, and why. */
    public record Verdict(Outcome outcome, String reason) {}

    public enum Outcome {
        WAIT,
        CANARY,
        PROMOTE,
        REJECT
    }

    /** A candidate of which nothing is known. */
    public static final Verdict NO_METRICS = new Verdict(
            Outcome.REJECT,
            "it was offered without metrics: give the outputs of training.evaluate as 'metrics', so that it can be compared"
                    + " with the champion");

    /**
     * Whether a candidate may be tried at all: it must not be inferior to the champion on held-out rows that neither has seen.
     * Where there are too few of those nothing is known against it, and the shadow compares the two on live rows.
     */
    public static Verdict gate(GateEvidence evidence, double margin) {
        if (Double.isNaN(evidence.error())) {
            return new Verdict(Outcome.REJECT, "the candidate gave no valid prediction on the held-out rows");
        }
        if (evidence.championError().isEmpty()) {
            return new Verdict(
                    Outcome.CANARY, format("error %.4g on held-out rows; ", evidence.error()) + notCompared(evidence));
        }
        double champion = evidence.championError().getAsDouble();
        if (Double.isNaN(champion)) {
            return new Verdict(
                    Outcome.CANARY,
                    format("error %.4g; the champion gave no valid prediction on the held-out rows", evidence.error()));
        }
        String numbers = format("error %.4g against the champion's %.4g on ", evidence.comparedError(), champion)
                + (evidence.unseenRows().isPresent()
                        ? evidence.unseenRows().getAsLong() + " held-out rows that neither was trained on"
                        : "held-out rows");
        return evidence.comparedError() <= champion * (1 + margin)
                ? new Verdict(Outcome.CANARY, numbers)
                : new Verdict(Outcome.REJECT, numbers + ": inferior");
    }

    private static String notCompared(GateEvidence evidence) {
        String rest = "; so the shadow compares them on live rows";
        return evidence.unseenRows().isEmpty()
                ? "the champion was not measured on them" + rest
                : "not compared with the champion, which is not known to be new to more than "
                        + evidence.unseenRows().getAsLong() + " of them, where "
                        + evidence.neededRows().orElse(Policy.Promotion.ROWS) + " are needed" + rest;
    }

    /** A version with the very files of the champion. */
    public static Verdict sameModel(int champion, String digest) {
        return new Verdict(
                Outcome.REJECT,
                "it is the same model as the champion, version " + champion + " (both have digest " + digest
                        + "): there is nothing to try. Equal rows and parameters give equal models; train on new rows");
    }

    /**
     * Turns a challenger down that fails on rows which the champion answers: on more than one of a hundred, and often enough
     * not to be an accident. Its errors need no labels, so they count at once, in every phase.
     */
    public static Verdict reliable(Reliability reliability) {
        boolean fails = reliability.failed() >= FEWEST_FAILURES && reliability.share() > MOST_FAILURES;
        String numbers = reliability.failed() + " of " + reliability.asked() + " rows";
        return fails
                ? new Verdict(Outcome.REJECT, "fails where the champion answers: on " + numbers)
                : new Verdict(Outcome.WAIT, "failed on " + numbers);
    }

    /**
     * Judges the running trial. One whose sides have losses of different kinds is never decided.
     *
     * @param inPhase event time since the phase began, up to which labels have matured
     */
    public static Verdict judge(Deployment.Phase phase, Evidence evidence, Duration inPhase, Policy.Promotion policy) {
        if (evidence.unlike().rows() > 0) {
            return new Verdict(Outcome.WAIT, unlike(evidence.unlike()));
        }
        String numbers = numbers(evidence);
        boolean enough = evidence.rows() >= policy.rows();
        boolean bounded = enough && evidence.blocks() >= policy.blocks();
        if (bounded && evidence.lower() > 0) {
            return new Verdict(Outcome.REJECT, "worse than the champion: " + numbers);
        }
        return switch (phase) {
            case NONE -> new Verdict(Outcome.WAIT, "there is no challenger");
            case SHADOW -> {
                // No caller is answered on a guess, and nothing is turned down on one: it stays until it looks as good.
                boolean asGood = evidence.challengerError() <= evidence.championError() * (1 + policy.margin());
                yield enough && asGood && inPhase.compareTo(policy.shadow()) >= 0
                        ? new Verdict(Outcome.CANARY, "not inferior in shadow: " + numbers)
                        : overdue(inPhase, policy, numbers);
            }
            case CANARY ->
                bounded && evidence.upper() <= 0 && inPhase.compareTo(policy.canary()) >= 0
                        ? new Verdict(Outcome.PROMOTE, "not inferior with confidence: " + numbers)
                        : overdue(inPhase, policy, numbers);
        };
    }

    private static String unlike(Evidence.Unlike unlike) {
        boolean champion = unlike.championByClass() > 0;
        String byClass = "by whether its class is right";
        String byDistance = "by the distance of its number from the label";
        return "on " + unlike.rows() + " labelled rows the champion is scored " + (champion ? byClass : byDistance)
                + " and the challenger " + (champion ? byDistance : byClass)
                + ": such errors cannot be compared, so nothing is decided";
    }

    private static String numbers(Evidence evidence) {
        return format(
                "error %.4g against %.4g on %d rows; excess beyond the margin in [%.4g, %.4g] from %d blocks of %s that"
                        + " count as %.1f",
                evidence.challengerError(),
                evidence.championError(),
                evidence.rows(),
                evidence.lower(),
                evidence.upper(),
                evidence.blocks(),
                evidence.blockLength(),
                evidence.effectiveBlocks());
    }

    private static Verdict overdue(Duration inPhase, Policy.Promotion policy, String numbers) {
        return inPhase.compareTo(policy.canaryAtMost()) >= 0
                ? new Verdict(Outcome.REJECT, "the evidence does not suffice in time: " + numbers)
                : new Verdict(Outcome.WAIT, numbers);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
