package dev.tidemill.platform.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;

/** How a protocol writes its errors. */
@FunctionalInterface
public interface ErrorStyle {
    void write(Context context, TidemillException error, String requestId);

    /** Problem Details (RFC 9457) with our code, the field, the remedy and the request id. */
    ErrorStyle PROBLEM = (context, error, requestId) -> {
        ObjectNode problem = Json.object();
        problem.put("type", "https://tidemill.dev/errors/" + error.code().name().toLowerCase(java.util.Locale.ROOT));
        problem.put("title", error.code().title());
        problem.put("status", error.code().httpStatus());
        problem.put("code", error.code().name());
        problem.put("detail", error.message());
        error.field().ifPresent(field -> problem.put("field", field));
        error.remedy().ifPresent(remedy -> problem.put("remedy", remedy));
        problem.put("requestId", requestId);
        context.status(error.code().httpStatus()).result(Json.write(problem)).contentType("application/problem+json");
    };

    /** {@code {"error": text}}, as Open Inference Protocol clients read it. */
    ErrorStyle INFERENCE = (context, error, requestId) -> {
        context.status(error.code().httpStatus())
                .result(Json.write(Json.object().put("error", error.messageAndRemedy())))
                .contentType("application/json");
    };
}
