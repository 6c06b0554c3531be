package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

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
            JsonNode steps = view.path("steps");
            if (steps.size() == 1 && steps.path(0).path("state").asText().equals("RUNNING")) {
                within(run, steps.path(0).path("name").asText(), progress);
            } else {
                progress.update(ended(steps), steps.size(), note(steps));
            }
            String state = view.path("run").path("state").asText();
            if (!state.equals("RUNNING") && !state.equals("CANCELLING")) {
                return view;
            }
            sleep();
        }
    }

    private static long ended(JsonNode steps) {
        return steps.valueStream()
                .map(step -> step.path("state").asText())
                .filter(state -> !Set.of("RUNNING", "WAITING", "READY").contains(state))
                .count();
    }

    /** The steps that run; where none does, as between two, how many have ended. */
    static String note(JsonNode steps) {
        String running = steps.valueStream()
                .filter(step -> step.path("state").asText().equals("RUNNING"))
                .map(step -> step.path("name").asText())
                .collect(Collectors.joining(", "));
        return running.isEmpty() ? ended(steps) + " of " + steps.size() + " steps ended" : running;
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
