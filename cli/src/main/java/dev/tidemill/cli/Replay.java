package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Plays recorded rows back as live traffic: features from the view, a prediction for each row in the order of event time,
 * labels as late as they would be, and at each midnight the watermark. After the last row that goes on until the labels of its day
 * have come; where rows are left, as after {@code until}, the labels are sent at once and the watermark stays. The server sees no row before its time, and none of
 * its labels before they would have arrived. Everything sent carries an id of its own, so that after a server's restart
 * the day that was interrupted is simply sent again.
 */
final class Replay {
    /**
     * What to play.
     *
     * @param prefix of the ids, which are made of it and the place of a row
     * @param rows as in the data set's source
     * @param labels columns of the rows of which the view makes the label, and which nobody knew at the time
     * @param drop columns that nobody knew at the time
     */
    record Script(
            String deployment,
            String view,
            String prefix,
            List<Map<String, String>> rows,
            List<String> labels,
            List<String> drop,
            Instant from,
            Optional<Instant> until,
            Duration labelDelay) {}

    private record Pending(String id, Instant time, int row) {}

    private static final int SKIP_BATCH = 500;

    private final Api api;
    private final Retry retry;
    private final Script script;
    private final String model;
    private final Clock clock = Clock.systemUTC();
    private final Deque<Pending> pending = new ArrayDeque<>();
    private String timeColumn = "time";
    private String labelColumn = "label";
    private long predictions;
    private String phase = "";

    Replay(Api api, Retry retry, Script script) {
        this.api = api;
        this.retry = retry;
        this.script = script;
        this.model = api.project().equals("default") ? script.deployment() : api.project() + "~" + script.deployment();
    }

    /** Plays everything and returns the number of predictions. */
    long run(Progress progress) {
        JsonNode played = retry.call(() -> api.get(api.in("/feature-views")))
                .path("featureViews")
                .valueStream()
                .filter(view -> view.path("name").asText().equals(script.view()))
                .findFirst()
                .orElseThrow(() -> new CliException(Exit.NOT_FOUND, "There is no feature view '" + script.view() + "'"))
                .path("definition");
        timeColumn = played.path("time").asText();
        labelColumn = played.path("label").asText();
        int row = firstRow();
        int first = row;
        Instant midnight = script.from().truncatedTo(ChronoUnit.DAYS).plus(1, ChronoUnit.DAYS);
        Optional<Event> event = event(row);
        while (event.isPresent()) {
            int dayBegan = row;
            Instant end = midnight;
            while (true) {
                try {
                    row = playDay(dayBegan, end);
                    closeDay(end);
                    break;
                } catch (Api.Unreachable e) {
                    // The server went away in the middle of the day: wait for it, then send the day again.
                    retry.call(() -> api.get("/v2/health/ready"));
                    pending.removeIf(label -> !label.time().isBefore(end.minus(1, ChronoUnit.DAYS)));
                }
            }
            predictions = row - first;
            progress.update(
                    row - first,
                    script.rows().size() - first,
                    end.toString().substring(0, 10) + ", " + predictions + " predictions" + phase);
            midnight = midnight.plus(1, ChronoUnit.DAYS);
            event = event(row);
        }
        if (row < script.rows().size()) {
            // Rows are left, with which another replay may go on: they would come after a watermark that had passed
            // them.
            sendRest();
        } else {
            closeRest(midnight.minus(1, ChronoUnit.DAYS));
            sendRest();
        }
        return predictions;
    }

    /** Goes on, without predictions, until the labels of the last day have come and the windows that end with it can close. */
    private void closeRest(Instant last) {
        Instant rest = last.plus(script.labelDelay());
        Instant now = clock.instant();
        for (Instant end = last; end.isBefore(rest) && end.isBefore(now); ) {
            end = end.plus(1, ChronoUnit.DAYS);
            Instant midnight = end;
            retry.call(() -> {
                closeDay(midnight);
                return true;
            });
        }
    }

    private void sendRest() {
        retry.call(() -> {
            sendLabels(Instant.MAX);
            return true;
        });
        pending.clear();
    }

    /** One row with its features. */
    private record Event(Instant time, ObjectNode features) {}

    private int firstRow() {
        int start = 0;
        while (start < script.rows().size()) {
            int batch = start;
            List<Event> events =
                    retry.call(() -> compute(batch, Math.min(script.rows().size(), batch + SKIP_BATCH)));
            for (int i = 0; i < events.size(); i++) {
                if (!events.get(i).time().isBefore(script.from())) {
                    return start + i;
                }
            }
            start += SKIP_BATCH;
        }
        throw new CliException(Exit.FAILURE, "No row is at or after " + script.from());
    }

    private Optional<Event> event(int row) {
        return retry.call(() -> eventOnce(row));
    }

    private List<Event> compute(int from, int to) {
        return view(script.rows().subList(from, to), false)
                .valueStream()
                .map(row -> {
                    ObjectNode features = (ObjectNode) row;
                    JsonNode time = features.remove(timeColumn);
                    if (time == null || time.isNull()) {
                        throw new CliException(
                                Exit.FAILURE,
                                "A row from number " + (from + 1) + " on has no '" + timeColumn
                                        + "', the event time of view '" + script.view() + "'");
                    }
                    return new Event(Instant.parse(time.asText()), features);
                })
                .toList();
    }

    /** What the view makes of rows: as they were at the time, or with all that became known and so with their labels. */
    private JsonNode view(List<Map<String, String>> rows, boolean past) {
        ObjectNode body = Api.object().put("raw", true).put("labels", past);
        ArrayNode list = body.putArray("rows");
        for (Map<String, String> row : rows) {
            ObjectNode sent = list.addObject();
            row.forEach((column, value) -> {
                // What nobody knew at the time is a missing value as an empty cell is: the SQL may name its column.
                boolean known = past
                        || !script.drop().contains(column) && !script.labels().contains(column);
                sent.put(column, known && !value.isEmpty() ? value : null);
            });
        }
        return api.post(api.in("/feature-views/" + Api.encode(script.view()) + "/compute"), body)
                .path("rows");
    }

    /** Predicts the rows before midnight; returns the first row after it. */
    private int playDay(int start, Instant end) {
        int row = start;
        Optional<Event> event = eventOnce(row);
        while (event.isPresent() && event.get().time().isBefore(end)) {
            predict(row, event.get());
            row++;
            event = eventOnce(row);
        }
        return row;
    }

    private Optional<Event> eventOnce(int row) {
        if (row >= script.rows().size()) {
            return Optional.empty();
        }
        Event event = compute(row, row + 1).getFirst();
        return script.until().filter(end -> !event.time().isBefore(end)).isPresent()
                ? Optional.empty()
                : Optional.of(event);
    }

    private void predict(int row, Event event) {
        String id = script.prefix() + "-" + row;
        ObjectNode body = Api.object().put("id", id);
        body.putObject("parameters").put("event_time", event.time().toString());
        ArrayNode inputs = body.putArray("inputs");
        event.features().properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            if (value.isNull()) {
                return; // a missing value is an input that is not there
            }
            ObjectNode tensor = inputs.addObject()
                    .put("name", entry.getKey())
                    .put("datatype", value.isTextual() ? "BYTES" : value.isBoolean() ? "BOOL" : "FP64");
            tensor.putArray("shape").add(1);
            tensor.putArray("data").add(value);
        });
        api.post("/v2/models/" + Api.encode(model) + "/infer", body);
        pending.add(new Pending(id, event.time(), row));
    }

    private String deployment() {
        return "/deployments/" + Api.encode(script.deployment());
    }

    /** Sends the labels that have come by a time. */
    private void sendLabels(Instant end) {
        ObjectNode labels = Api.object();
        ArrayNode list = labels.putArray("labels");
        List<Pending> due = pending.stream()
                .filter(label -> !label.time().plus(script.labelDelay()).isAfter(end))
                .toList();
        for (int from = 0; from < due.size(); from += SKIP_BATCH) {
            List<Pending> some = due.subList(from, Math.min(due.size(), from + SKIP_BATCH));
            JsonNode computed = view(
                    some.stream().map(label -> script.rows().get(label.row())).toList(), true);
            for (int i = 0; i < some.size(); i++) {
                JsonNode value = computed.path(i).path(labelColumn);
                if (value.isValueNode() && !value.isNull()) {
                    list.addObject().put("id", some.get(i).id()).set("value", value);
                }
            }
        }
        if (!list.isEmpty()) {
            api.post(api.in(deployment() + "/labels"), labels);
        }
    }

    /**
     * Sends the labels that have come by midnight, then the watermark, and waits for what it sets off. Data of the future has not
     * arrived: a day that has not ended is closed as far as it has come.
     */
    private void closeDay(Instant midnight) {
        sendLabels(midnight);
        Instant now = clock.instant();
        Instant end = midnight.isAfter(now) ? now : midnight;
        ObjectNode watermark = Api.object().put("time", end.toString());
        JsonNode answer;
        do {
            answer = api.post(api.in(deployment() + "/watermark"), watermark);
            JsonNode halt = answer.path("state").path("halt");
            if (halt.hasNonNull("reason")) {
                throw new CliException(
                        Exit.FAILURE,
                        "Monitoring of " + script.deployment() + " is halted at the watermark " + end + ": "
                                + halt.path("reason").asText());
            }
        } while (!answer.path("settled").asBoolean());
        pending.removeIf(label -> !label.time().plus(script.labelDelay()).isAfter(midnight));
        JsonNode state = answer.path("deployment");
        phase = ", champion "
                + (state.path("champion").isInt() ? "v" + state.path("champion").asText() : "none")
                + (state.path("challenger").isInt()
                        ? ", challenger v" + state.path("challenger").asText() + " in "
                                + state.path("phase").asText().toLowerCase(java.util.Locale.ROOT)
                        : "");
    }
}
