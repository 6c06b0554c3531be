package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Starts a run of a pipeline and watches it to its end, also across restarts of the server. */
final class PipelineWatch {
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final Pattern PROGRESS = Pattern.compile("(?m)progress (\\d{1,18})/(\\d{1,18})$");

    private final Api api;
    private final Retry retry;
    private long logRead;
    private long done;
    private long total;

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
            long ended = 0;
            var running = new StringBuilder();
            for (JsonNode step : view.path("steps")) {
                String state = step.path("state").asText();
                if (state.equals("RUNNING")) {
                    running.append(running.isEmpty() ? "" : ", ")
                            .append(step.path("name").asText());
                } else if (!state.equals("WAITING") && !state.equals("READY")) {
                    ended++;
                }
            }
            int steps = view.path("steps").size();
            if (steps == 1 && !running.isEmpty()) {
                within(run, running.toString(), progress);
            } else {
                progress.update(ended, steps, running.toString());
            }
            String state = view.path("run").path("state").asText();
            if (!state.equals("RUNNING") && !state.equals("CANCELLING")) {
                return view;
            }
            sleep();
        }
    }

    /** Shows how far the only step is, which it tells in its log. */
    private void within(String run, String step, Progress progress) {
        JsonNode log = retry.call(() -> api.get(
                api.in("/pipeline-runs/" + Api.encode(run) + "/steps/" + Api.encode(step) + "/log?offset=" + logRead)));
        logRead = log.path("nextOffset").asLong(logRead);
        Matcher lines = PROGRESS.matcher(log.path("text").asText());
        while (lines.find()) {
            done = Long.parseLong(lines.group(1));
            total = Long.parseLong(lines.group(2));
        }
        progress.update(done, total, step);
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
