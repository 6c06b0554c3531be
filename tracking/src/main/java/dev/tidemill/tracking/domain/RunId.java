package dev.tidemill.tracking.domain;

import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.TypedId;

/** Identifies a tracked run: 32 lower-case hexadecimal digits, as MLflow's clients expect, sortable by time. */
public record RunId(String value) implements TypedId {
    public static RunId next() {
        return new RunId(Ids.next().replace("-", ""));
    }

    @Override
    public String toString() {
        return value;
    }
}
