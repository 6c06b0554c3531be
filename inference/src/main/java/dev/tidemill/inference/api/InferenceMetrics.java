package dev.tidemill.inference.api;

import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelName;
import dev.tidemill.inference.domain.ModelStatistics.Snapshot;
import dev.tidemill.inference.domain.PayloadLog;
import dev.tidemill.inference.domain.VersionStatistics;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Figures of every version in Prometheus' text format, under our names and under Triton's. */
public final class InferenceMetrics {
    private final Gateway gateway;

    public InferenceMetrics(Gateway gateway) {
        this.gateway = gateway;
    }

    /** All of them; nothing where no model has been called yet. */
    public String text() {
        var text = new StringBuilder();
        payloads(text);
        List<VersionStatistics> all = gateway.statistics();
        if (all.isEmpty()) {
            return text.toString();
        }
        add(
                text,
                all,
                "tidemill_inference_requests_total",
                "Requests answered",
                "outcome=\"success\"",
                Snapshot::successes);
        more(text, all, "tidemill_inference_requests_total", "outcome=\"failure\"", Snapshot::failures);
        add(text, all, "tidemill_inference_rows_total", "Rows predicted", "", Snapshot::inferences);
        add(
                text,
                all,
                "tidemill_inference_seconds_total",
                "Time of requests that were answered",
                "",
                figures -> figures.successNanos() / 1e9);
        add(text, all, "nv_inference_request_success", "Requests answered", "", Snapshot::successes);
        add(text, all, "nv_inference_request_failure", "Requests that failed", "reason=\"OTHER\"", Snapshot::failures);
        add(text, all, "nv_inference_count", "Rows predicted", "", Snapshot::inferences);
        add(text, all, "nv_inference_exec_count", "Calls of the model", "", Snapshot::executions);
        add(
                text,
                all,
                "nv_inference_request_duration_us",
                "Time of requests",
                "",
                figures -> figures.successNanos() / 1000.0);
        add(
                text,
                all,
                "nv_inference_queue_duration_us",
                "Time of waiting",
                "",
                figures -> figures.queueNanos() / 1000.0);
        add(
                text,
                all,
                "nv_inference_compute_infer_duration_us",
                "Time of the model itself",
                "",
                figures -> figures.computeNanos() / 1000.0);
        return text.toString();
    }

    private void payloads(StringBuilder text) {
        List<PayloadLog.Figures> sinks = gateway.payloadFigures();
        if (sinks.isEmpty()) {
            return;
        }
        String name = "tidemill_payloads_total";
        text.append("# HELP ").append(name).append(" Requests with their answers that were to be logged\n");
        text.append("# TYPE ").append(name).append(" counter\n");
        for (PayloadLog.Figures sink : sinks) {
            String label = name + "{sink=\"" + sink.sink() + "\",outcome=\"";
            text.append(label).append("delivered\"} ").append(sink.delivered()).append('\n');
            text.append(label).append("dropped\"} ").append(sink.dropped()).append('\n');
        }
    }

    private static void add(
            StringBuilder text,
            List<VersionStatistics> all,
            String name,
            String help,
            String label,
            ToDoubleFunction<Snapshot> figure) {
        text.append("# HELP ").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(name).append(" counter\n");
        more(text, all, name, label, figure);
    }

    private static void more(
            StringBuilder text,
            List<VersionStatistics> all,
            String name,
            String label,
            ToDoubleFunction<Snapshot> figure) {
        for (VersionStatistics one : all) {
            text.append(name)
                    .append("{model=\"")
                    .append(escaped(ModelName.of(one.project(), one.name())))
                    .append("\",version=\"")
                    .append(one.version())
                    .append('"')
                    .append(label.isEmpty() ? "" : "," + label)
                    .append("} ")
                    .append(figure.applyAsDouble(one.figures()))
                    .append('\n');
        }
    }

    private static String escaped(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }
}
