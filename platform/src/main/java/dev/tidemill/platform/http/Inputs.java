package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What requests of a route may say beside its path: the query's parameters, each once, and the fields of the JSON object that
 * their body is. Anything else is refused before the endpoint is called, so that what is misspelt, or meant for another route,
 * does not pass for not having been said.
 *
 * @param query names of parameters; empty where any are taken
 * @param fields names of fields, none of them where a body means nothing; empty where bodies have a form of their own
 */
public record Inputs(Optional<Set<String>> query, Optional<Set<String>> fields) {
    /** Protocols of others tell their own servers what they ignore. */
    private static final Inputs ANY = new Inputs(Optional.empty(), Optional.empty());

    private static final Inputs NONE = new Inputs(Optional.of(Set.of()), Optional.of(Set.of()));

    /** What a route of this path takes as long as it says nothing else. */
    static Inputs usual(String path) {
        return path.startsWith("/api/tidemill/") ? NONE : ANY;
    }

    Inputs withQuery(String... names) {
        return new Inputs(Optional.of(Set.of(names)), fields);
    }

    Inputs withFields(String... names) {
        return new Inputs(query, Optional.of(Set.of(names)));
    }

    Inputs withAnyBody() {
        return new Inputs(query, Optional.empty());
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} with what is not known, and what is */
    void require(Context context) {
        query.ifPresent(known -> requireQuery(context.queryParamMap(), known));
        // What a body of the others means nobody has ever said; programs send one all the same.
        boolean meant = context.method() != HandlerType.GET
                && context.method() != HandlerType.HEAD
                && context.method() != HandlerType.DELETE;
        if (meant && fields.isPresent()) {
            RequestBody.sentObject(context).ifPresent(body -> body.only(fields.get()));
        }
    }

    private static void requireQuery(Map<String, List<String>> sent, Set<String> known) {
        sent.forEach((name, values) -> {
            if (!known.contains(name)) {
                throw TidemillException.invalid(
                        name,
                        "There is no query parameter '" + StorableText.cut(name, 80) + "'; "
                                + (known.isEmpty() ? "this route takes none" : "there are " + new TreeSet<>(known)));
            }
            if (values.size() > 1) {
                throw TidemillException.invalid(
                        name, "The query parameter '" + name + "' stands " + values.size() + " times; once is enough");
            }
        });
    }
}
