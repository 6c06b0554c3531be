package dev.tidemill.tracking.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Run;
import java.util.LinkedHashMap;

/** A run as our own routes tell it: of each metric the latest value alone. */
final class RunJson {
    private RunJson() {}

    static ObjectNode of(Run run) {
        ObjectNode json = (ObjectNode) Json.tree(run);
        var values = new LinkedHashMap<String, Double>();
        run.metrics().forEach((name, point) -> values.put(name, point.value()));
        json.set("metrics", Json.tree(values));
        return json;
    }
}
