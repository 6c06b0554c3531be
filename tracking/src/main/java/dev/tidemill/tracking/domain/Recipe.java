package dev.tidemill.tracking.domain;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How a run can be made again, as far as its client has told: source, commit, environment, data, parameters.
 *
 * @param source program or notebook; empty if unknown
 * @param repository address of the code's repository
 * @param hasDiff whether changes that were not committed are kept, as artifact {@value #DIFF}
 * @param environment path of the artifact that lists the exact libraries
 * @param data what it read, each with its digest
 * @param seeds parameters that look like seeds
 * @param hardware what it ran on
 * @param missing what would be needed to make it again and was not captured
 */
public record Recipe(
        String runId,
        Optional<String> source,
        Optional<String> commit,
        Optional<String> branch,
        Optional<String> repository,
        boolean hasDiff,
        Optional<String> environment,
        Optional<String> entryPoint,
        List<DataSetInput> data,
        Map<String, String> params,
        Map<String, String> seeds,
        Map<String, String> hardware,
        List<String> missing) {
    /** Where our Python package keeps changes that were not committed. */
    public static final String DIFF = "reproduce/uncommitted.diff";

    /** Where our Python package keeps the exact versions of libraries. */
    public static final String LOCK = "reproduce/requirements.lock";

    private static final String HARDWARE_PREFIX = "tidemill.hardware.";

    /**
     * Reads a run's recipe.
     *
     * @param files paths of the artifacts in the folder {@code reproduce}
     */
    public static Recipe of(Run run, List<String> files) {
        Map<String, String> tags = run.tags();
        Optional<String> commit = tag(tags, "mlflow.source.git.commit");
        Optional<String> source = tag(tags, "mlflow.source.name");
        boolean lock = files.contains(LOCK);
        var seeds = new TreeMap<String, String>();
        run.params().forEach((name, value) -> {
            if (name.toLowerCase(java.util.Locale.ROOT).matches(".*(seed|random_state).*")) {
                seeds.put(name, value);
            }
        });
        var hardware = new TreeMap<String, String>();
        tags.forEach((name, value) -> {
            if (name.startsWith(HARDWARE_PREFIX)) {
                hardware.put(name.substring(HARDWARE_PREFIX.length()), value);
            }
        });
        var missing = new ArrayList<String>();
        if (source.isEmpty()) {
            missing.add("the program that made it");
        }
        if (commit.isEmpty()) {
            missing.add("the commit of its code");
        }
        if (!lock) {
            missing.add("the exact versions of its libraries (tidemill.capture() in Python keeps them)");
        }
        if (run.inputs().isEmpty() && !tags.containsKey("data")) {
            missing.add("the data that it read (mlflow.log_input tells it)");
        }
        if (seeds.isEmpty()) {
            missing.add("a seed among its parameters");
        }
        return new Recipe(
                run.id().value(),
                source,
                commit,
                tag(tags, "mlflow.source.git.branch"),
                tag(tags, "mlflow.source.git.repoURL"),
                files.contains(DIFF),
                lock ? Optional.of(LOCK) : Optional.empty(),
                tag(tags, "mlflow.project.entryPoint"),
                run.inputs(),
                run.params(),
                seeds,
                hardware,
                missing);
    }

    private static Optional<String> tag(Map<String, String> tags, String name) {
        return Optional.ofNullable(tags.get(name)).filter(text -> !text.isBlank());
    }
}
