package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code tidemill why}: what keeps a deployment from being retrained or promoted. */
@Command(
        name = "why",
        description = "Tell why nothing happens to a deployment: what keeps it from being retrained or promoted now.",
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  tidemill why bikes"})
final class WhyCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "DEPLOYMENT", description = "Name of the deployment")
    private String deployment = "";

    @Override
    public Integer call() {
        Api api = connection.api();
        JsonNode obstacles = api.get(api.in("/deployments/" + Api.encode(deployment) + "/monitoring"))
                .path("obstacles");
        if (connection.json()) {
            System.out.println(Api.object().set("obstacles", obstacles));
            return Exit.OK;
        }
        obstacles.forEach(obstacle -> {
            System.out.println(
                    (obstacle.path("actionNeeded").asBoolean() ? "mend  " : "wait  ") + sentence(obstacle, "reason"));
            System.out.println("      " + sentence(obstacle, "remedy"));
        });
        return Exit.OK;
    }

    /** A text of an obstacle as a sentence. */
    static String sentence(JsonNode obstacle, String field) {
        String text = obstacle.path(field).asText();
        return text.isEmpty() ? text : Character.toUpperCase(text.charAt(0)) + text.substring(1) + ".";
    }
}
