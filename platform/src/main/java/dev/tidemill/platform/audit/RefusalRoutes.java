package dev.tidemill.platform.audit;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.http.StreamedJson;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The route for what the server has refused. */
public final class RefusalRoutes {
    private final SqlRefusals refusals;

    public RefusalRoutes(SqlRefusals refusals) {
        this.refusals = refusals;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/api/tidemill/v1/refusals", Access.server(Resource.SERVER, Action.ADMINISTER), this::list)
                        .query("user", "address", "code", "before", "limit"));
    }

    /** The newest refusals; {@code next} is there where others follow, and is the {@code before} that asks for them. */
    private void list(Context context, Caller caller) throws IOException {
        var found = refusals.newest(new RefusalQuery(
                Requests.text(context, "user"),
                Requests.text(context, "address"),
                Requests.text(context, "code").map(RefusalRoutes::code),
                Requests.number(context, "before"),
                Requests.limit(context, 100, 1000)));
        ObjectNode json = Json.object();
        ArrayNode list = json.putArray("refusals");
        for (StoredRefusal refusal : found.items()) {
            ObjectNode item = (ObjectNode) Json.tree(refusal);
            Actor.userOf(refusal.actor()).ifPresent(user -> item.put("user", user));
            list.add(item);
        }
        if (found.more()) {
            json.put("next", found.items().getLast().position());
        }
        StreamedJson.write(context, json);
    }

    private static String code(String text) {
        String wanted = text.toUpperCase(Locale.ROOT);
        List<ErrorCode> journalled = Arrays.stream(ErrorCode.values())
                .filter(code -> code.httpStatus() == 401 || code.httpStatus() == 403)
                .toList();
        if (journalled.stream().anyMatch(code -> code.name().equals(wanted))) {
            return wanted;
        }
        throw TidemillException.invalid(
                "code",
                "'" + text + "' is none of "
                        + journalled.stream().map(ErrorCode::name).collect(Collectors.joining(", ")));
    }
}
