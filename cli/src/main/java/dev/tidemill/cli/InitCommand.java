package dev.tidemill.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill init}. */
@Command(
        name = "init",
        description = "Make a project folder from a template.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  tidemill init shop --template tabular"})
final class InitCommand implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "Folder to make")
    private Path name = Path.of(".");

    @Option(names = "--template", defaultValue = "tabular", description = "bike-sharing or tabular (default)")
    private String template = "tabular";

    @Option(names = "--json", description = "Print as JSON")
    private boolean json;

    @Override
    public Integer call() {
        Templates.copy(template, name);
        if (json) {
            System.out.println(
                    Api.JSON.createObjectNode().put("folder", name.toString()).put("template", template));
        }
        System.err.println("Made " + name + " from template " + template + ". Next:");
        System.err.println("  tidemill apply -f " + name + " && tidemill run train");
        return Exit.OK;
    }
}
