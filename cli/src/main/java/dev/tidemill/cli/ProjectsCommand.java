package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill projects}: spaces of names, each with members of its own. */
@Command(
        name = "projects",
        description = "List and create projects: spaces of names, each with members of its own.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Every other command works in the project that --project or $TIDEMILL_PROJECT names, or else in 'default'.",
            "",
            "Example:",
            "  tidemill projects create shop && tidemill apply -f my-project --project shop"
        })
final class ProjectsCommand extends CommandGroup {
    private static final String PATH = "/api/tidemill/v1/projects";

    @Command(name = "list", description = "List the projects that you may see.", mixinStandardHelpOptions = true)
    int list(@Mixin Connection connection) {
        JsonNode answer = connection.api().get(PATH);
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        var table = new Columns("project", "created", "description");
        answer.path("projects")
                .forEach(project -> table.add(List.of(
                        project.path("name").asText(),
                        project.path("createdAt").asText(),
                        project.path("description").asText())));
        table.print();
        return Exit.OK;
    }

    @Command(name = "create", description = "Create a project.", mixinStandardHelpOptions = true)
    int create(
            @Mixin Connection connection,
            @Option(names = "--description", paramLabel = "TEXT", description = "What it is for") @Nullable
                    String description,
            @Parameters(paramLabel = "NAME", description = "Small letters, digits, hyphens and underscores")
                    String name) {
        var body = Api.object().put("name", name);
        if (description != null) {
            body.put("description", description);
        }
        JsonNode made = connection.api().post(PATH, body);
        if (connection.json()) {
            System.out.println(made);
        } else {
            System.out.println("Created the project '" + made.path("name").asText(name)
                    + "'. Work in it with --project " + name + ", or export TIDEMILL_PROJECT=" + name);
        }
        return Exit.OK;
    }
}
