package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tidemill apply}. */
@Command(
        name = "apply",
        description = "Make a project's definitions so; applying twice changes nothing.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  tidemill apply -f . --dry-run"})
final class ApplyCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Option(
            names = {"-f", "--file"},
            required = true,
            paramLabel = "PATH",
            description = "Project folder or one definition")
    private Path file = Path.of(".");

    @Option(names = "--dry-run", description = "Only tell what would change")
    private boolean dryRun;

    /** What became of a definition, or what would become of it. */
    static String told(String outcome, boolean dryRun) {
        if (!dryRun || outcome.equals("unchanged")) {
            return outcome;
        }
        return outcome.equals("created") ? "would create" : "would change";
    }

    @Override
    public Integer call() {
        Api api = connection.api();
        JsonNode answer = new ProjectFolder(file).apply(api, dryRun);
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        for (JsonNode change : answer.path("changes")) {
            String outcome = change.path("outcome").asText().toLowerCase(Locale.ROOT);
            System.out.println(told(outcome, dryRun) + " " + change.path("kind").asText() + "/"
                    + change.path("name").asText() + " (version "
                    + change.path("version").asInt() + ")");
            if (outcome.equals("changed")) {
                change.path("diff").asText().lines().forEach(line -> System.out.println("    " + line));
            }
        }
        for (JsonNode change : answer.path("changes")) {
            change.path("warnings")
                    .forEach(warning ->
                            System.err.println("warning: " + change.path("path").asText() + ": " + warning.asText()));
        }
        if (dryRun) {
            System.err.println("Nothing was changed: this was a dry run.");
        }
        return Exit.OK;
    }
}
