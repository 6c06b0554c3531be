package dev.tidemill.trees;

import java.util.Arrays;
import java.util.Optional;

/**
 * What a classifier of XGBoost's or LightGBM's scikit-learn interface answers from the margins of its trees: the class, or of several
 * labels which of them hold. Immutable and thread-safe.
 */
public final class TreeClassifier {
    private static final double HALF = 0.5;

    private final Link link;
    private final int outputs;
    private final boolean labels;

    private TreeClassifier(Link link, int outputs) {
        this.link = link;
        this.outputs = outputs;
        // XGBoost's interface takes two probabilities of one row for those of two labels, whatever the model was
        // trained for.
        this.labels = outputs > 1
                && (link.answer() != Link.Answer.CLASSES || link == Objective.SOFT_PROBABILITIES && outputs == 2);
    }

    /** The classifier of these trees; empty where LightGBM trained them for something else. */
    public static Optional<TreeClassifier> of(BoostedTrees trees) {
        boolean answers = trees.link() instanceof Objective || trees.link().answer() != Link.Answer.VALUE;
        return answers
                ? Optional.of(new TreeClassifier(trees.link(), trees.ensemble().outputs()))
                : Optional.empty();
    }

    /** How many labels hold or not, each for itself; 0 where the answer is one class. */
    public int labels() {
        return labels ? outputs : 0;
    }

    /** How many classes there are of which one is the answer; 0 where there are labels. */
    public int classes() {
        return labels ? 0 : Math.max(2, outputs);
    }

    /** How many probabilities a row has: one for each class or label, or 0 where the trees' predictions are none. */
    public int probabilities() {
        return link.answer() == Link.Answer.VALUE ? 0 : Math.max(labels(), classes());
    }

    /** What the answer is made of. */
    public double[] scores(double[] margins) {
        return link.scores(margins);
    }

    /** The number of the class; of labels 1 for each that holds, and 0 for the others. */
    public double[] chosen(double[] scores) {
        if (!labels && outputs > 1) {
            return new double[] {Objective.largest(scores)};
        }
        return Arrays.stream(scores).map(score -> score > HALF ? 1 : 0).toArray();
    }

    /** As many probabilities as {@link #probabilities()} says. */
    public double[] probabilities(double[] scores) {
        return outputs == 1 ? new double[] {1 - scores[0], scores[0]} : scores.clone();
    }
}
