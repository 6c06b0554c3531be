package dev.tidemill.pipelines.domain;

import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.TypedId;

/** Identifies a run of a pipeline. */
public record PipelineRunId(String value) implements TypedId {
    static PipelineRunId next() {
        return new PipelineRunId(Ids.next());
    }

    @Override
    public String toString() {
        return value;
    }
}
