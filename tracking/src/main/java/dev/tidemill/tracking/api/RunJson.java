package dev.tidemill.tracking.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.http.StreamedJson;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Page;
import dev.tidemill.tracking.domain.Run;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Optional;

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

    /** Answers with a run, written while it is sent, so that a large one is in memory only once. */
    static void write(Context context, Run run) throws IOException {
        StreamedJson.write(context, of(run));
    }

    /**
     * Answers with a page of runs, each written while it is sent.
     *
     * @param total how many runs there are on all pages, where that was asked
     */
    static void write(Context context, Page<Run> page, Optional<Long> total) throws IOException {
        StreamedJson.generate(context, out -> {
            out.writeStartObject();
            out.writeArrayFieldStart("runs");
            for (Run run : page.items()) {
                out.writeTree(of(run));
            }
            out.writeEndArray();
            if (page.next().isPresent()) {
                out.writeStringField("next", page.next().get());
            }
            if (total.isPresent()) {
                out.writeNumberField("total", total.get());
            }
            out.writeEndObject();
        });
    }
}
