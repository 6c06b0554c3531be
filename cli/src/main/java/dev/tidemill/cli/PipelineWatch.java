package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;

/** Starts a run of a pipeline and watches it to its end, also across restarts of the server. */
final class PipelineWatch {
    private static final Duration LOOK = Duration.ofMillis(200);

    private final Api api;
    private final Retry retry;

    PipelineWatch(Api api, Retry retry) {
        this.api = api;
        this.retry = retry;
    }

    String start(String pipeline, Map<String, String> parameters) {
        ObjectNode body = Api.object();
        parameters.forEach(body.putObject("parameters")::put);
        // The key makes a repeated start after a lost answer harmless.
        body.put("requestKey", "cli/" + UUID.randomUUID());
        return retry.call(() -> api.post(api.in("/pipelines/" + Api.encode(pipeline) + "/runs"), body))
                .path("id")
                .asText();
    }

    /** The run with its steps once it has ended. */
    JsonNode await(String run, Progress progress) {
        while (true) {
            JsonNode view = retry.call(() -> api.get(api.in("/pipeline-runs/" + Api.encode(run))));
            long done = 0;
            var running = new StringBuilder();
            for (JsonNode step : view.path("steps")) {
                String state = step.path("state").asText();
                if (state.equals("RUNNING")) {
                    running.append(running.isEmpty() ? "" : ", ")
                            .append(step.path("name").asText());
                } else if (!state.equals("WAITING") && !state.equals("READY")) {
                    done++;
                }
            }
            progress.update(done, view.path("steps").size(), running.toString());
            String state = view.path("run").path("state").asText();
            if (!state.equals("RUNNING") && !state.equals("CANCELLING")) {
                return view;
            }
            sleep();
        }
    }

    private static void sleep() {
        try {
            Thread.sleep(LOOK);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException(Exit.INTERRUPTED, "interrupted; the run goes on without this command");
        }
    }
}
