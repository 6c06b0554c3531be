package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One traced call of an application; what its client tells of it. Its spans are kept apart.
 *
 * @param executionMillis how long it took; empty while it goes on
 * @param clientRequestId what the caller's own system calls it
 * @param requestPreview beginning of what was asked, empty if unknown
 * @param responsePreview beginning of what was answered, empty if unknown
 * @param tags may change
 * @param metadata is set once
 */
public record Trace(
        String id,
        String project,
        long experimentId,
        State state,
        Instant requestedAt,
        Optional<Long> executionMillis,
        Optional<String> clientRequestId,
        String requestPreview,
        String responsePreview,
        Map<String, String> tags,
        Map<String, String> metadata,
        List<Assessment> assessments) {
    /** Tag that says where the trace's files are. */
    public static final String LOCATION_TAG = "mlflow.artifactLocation";

    /** Tag that says who keeps the spans. */
    public static final String SPANS_TAG = "mlflow.trace.spansLocation";

    /** Value of {@link #SPANS_TAG} for spans that this server keeps. */
    public static final String KEPT_HERE = "TRACKING_STORE";

    /** Tag of the trace's name. */
    public static final String NAME_TAG = "mlflow.traceName";

    /** Tag of the prompts that the call used, as a JSON list. */
    public static final String PROMPTS_TAG = "mlflow.linkedPrompts";

    /** Metadata that a client's own word on the trace leaves; what spans tell does not change it then. */
    public static final String TOLD_METADATA = "mlflow.trace.infoFinalized";

    /** Metadata that sums up the tokens used. */
    public static final String USAGE_METADATA = "mlflow.trace.tokenUsage";

    /** Metadata that names the conversation which the call belongs to. */
    public static final String SESSION_METADATA = "mlflow.trace.session";

    /** Metadata that names the run in which the call was made. */
    public static final String RUN_METADATA = "mlflow.sourceRun";

    /** How it ended, in MLflow's words. */
    public enum State {
        STATE_UNSPECIFIED,
        OK,
        ERROR,
        IN_PROGRESS
    }

    /** The same trace with other tags, metadata and assessments. */
    public Trace with(Map<String, String> otherTags, Map<String, String> otherMetadata, List<Assessment> others) {
        return new Trace(
                id,
                project,
                experimentId,
                state,
                requestedAt,
                executionMillis,
                clientRequestId,
                requestPreview,
                responsePreview,
                otherTags,
                otherMetadata,
                others);
    }
}
