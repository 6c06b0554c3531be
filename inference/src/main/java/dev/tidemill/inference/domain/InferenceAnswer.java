package dev.tidemill.inference.domain;

import java.util.List;

/**
 * Predictions.
 *
 * @param route which version of those that the name stands for has answered
 * @param classes names of the classes of a classifier, in the order of its scores; empty where it names none
 * @param classType what these classes are
 * @param scores whether the only output is the scores of these classes, from which the class is to be made
 * @param warnings what was amiss with the request, for people; empty if nothing was
 */
public record InferenceAnswer(
        ServedVersion version,
        Route route,
        List<Tensor> outputs,
        List<String> classes,
        ClassType classType,
        boolean scores,
        List<String> warnings) {
    /** What a model has answered. */
    static InferenceAnswer of(
            ServedVersion version, Route route, LoadedModel model, List<Tensor> outputs, List<String> warnings) {
        return new InferenceAnswer(
                version, route, outputs, model.classes(), model.classType(), model.answersScores(), warnings);
    }
}
