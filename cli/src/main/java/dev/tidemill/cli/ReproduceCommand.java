package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill runs reproduce}: how a run can be made again, printed, or done. */
@Command(
        name = "reproduce",
        description = "Print the recipe by which a run can be made again, or follow it.",
        mixinStandardHelpOptions = true,
        footer = {"", "Libraries and uncommitted changes are known where tidemill.capture() was called in Python."})
final class ReproduceCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "RUN")
    private String run = "";

    @Option(names = "--execute", description = "Follow the recipe in --in; it runs the code of whoever logged the run")
    private boolean execute;

    @Option(names = "--in", paramLabel = "DIR", description = "Folder to work in; made if it is missing")
    private @Nullable Path folder;

    /** One command, as a list of arguments; it is never given to a shell. */
    private record Step(List<String> arguments, boolean atRoot) {
        String shown() {
            var words = new ArrayList<String>();
            arguments.forEach(
                    word -> words.add(word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'"));
            return String.join(" ", words);
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Api api = connection.api();
        JsonNode recipe = api.get(api.in("/runs/" + Api.encode(run) + "/recipe"));
        if (connection.json()) {
            System.out.println(recipe);
            return Exit.OK;
        }
        Path work = (folder == null ? Path.of("reproduce-" + run.substring(0, Math.min(8, run.length()))) : folder)
                .toAbsolutePath()
                .normalize();
        List<Step> steps = steps(recipe, work);
        if (!execute) {
            steps.forEach(step -> System.out.println(step.shown()));
            recipe.path("params")
                    .properties()
                    .forEach(entry -> System.out.println("# param " + entry.getKey() + " = "
                            + entry.getValue().asText()));
            recipe.path("data")
                    .forEach(data ->
                            System.out.println("# data " + data.path("name").asText() + ", digest "
                                    + data.path("digest").asText()));
        }
        recipe.path("missing").forEach(text -> System.err.println("not captured: " + text.asText()));
        if (!execute) {
            return Exit.OK;
        }
        if (!recipe.hasNonNull("source")) {
            throw new CliException(Exit.FAILURE, "The run has not told which program made it; there is nothing to run");
        }
        Files.createDirectories(work);
        for (Step step : steps) {
            System.err.println("$ " + step.shown());
            Path at = step.atRoot() ? work : work.resolve("code");
            int status = new ProcessBuilder(step.arguments())
                    .directory((Files.isDirectory(at) ? at : work).toFile())
                    .inheritIO()
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new CliException(Exit.FAILURE, "'" + step.shown() + "' ended with " + status);
            }
        }
        return Exit.OK;
    }

    private List<Step> steps(JsonNode recipe, Path work) {
        var steps = new ArrayList<Step>();
        String repository = recipe.path("repository").asText("");
        String commit = recipe.path("commit").asText("");
        boolean fetched = repository.matches("(https://|ssh://|git@)[\\w@.:/~+-]+");
        if (fetched && commit.matches("[0-9a-fA-F]{7,64}")) {
            steps.add(new Step(List.of("git", "clone", "--", repository, "code"), true));
            steps.add(new Step(List.of("git", "checkout", "--detach", commit), false));
        }
        boolean changed = recipe.path("hasDiff").asBoolean();
        if (changed || recipe.hasNonNull("environment")) {
            steps.add(new Step(
                    List.of(
                            "tidemill",
                            "runs",
                            "download",
                            run,
                            "reproduce",
                            "-p",
                            connection.api().project(),
                            "--to",
                            work.toString()),
                    true));
        }
        if (changed) {
            steps.add(new Step(
                    List.of(
                            "git",
                            "apply",
                            work.resolve("reproduce/uncommitted.diff").toString()),
                    false));
        }
        String python = "python3";
        if (recipe.hasNonNull("environment")) {
            steps.add(new Step(
                    List.of("python3", "-m", "venv", work.resolve("venv").toString()), true));
            python = work.resolve("venv/bin/python").toString();
            steps.add(new Step(
                    List.of(
                            python,
                            "-m",
                            "pip",
                            "install",
                            "-r",
                            work.resolve("reproduce/requirements.lock").toString()),
                    true));
        }
        String source = recipe.path("source").asText("");
        if (!source.isEmpty()) {
            // Of an absolute path on somebody's machine only the file's name means anything in the repository.
            Path program = Path.of(source);
            steps.add(new Step(
                    List.of(python, fetched && program.isAbsolute() ? String.valueOf(program.getFileName()) : source),
                    false));
        }
        return steps;
    }
}
