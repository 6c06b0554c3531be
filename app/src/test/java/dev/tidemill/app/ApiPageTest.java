package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.http.Route;
import dev.tidemill.testkit.SharedData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Holds {@code docs/api.md} against the contract and the routes' own declarations; {@code TIDEMILL_RENEW_DOCS=true} writes it anew. */
class ApiPageTest {
    private static final String HEAD = """
            # API reference

            Every route of Tidemill's own API and of the inference protocols, by resource. Bodies and answers are in
            [`spec/openapi.yaml`](../spec/openapi.yaml), from which this page is made; MLflow's routes are in
            [`spec/mlflow-routes.txt`](../spec/mlflow-routes.txt) and described in [Supported MLflow features](mlflow.md).

            Errors are Problem Details (RFC 9457) with `code`, `detail`, `remedy` where there is one, and `requestId`; below `/v2` they are
            `{"error": "..."}`. How to sign in and to make tokens: [Users, tokens and signing in](users.md).

            A field or a query parameter that a route below `/api/tidemill` does not know is refused (400, `INVALID_ARGUMENT`) with the names of those that it knows, as is one of
            another type, so that nothing misspelt passes for not having been said. The protocols of others ignore what they do not know, as their own servers do.

            The permission is the weakest role that may call a route: a viewer, contributor, maintainer or admin of the project, each of whom may do
            what the one before may. *Server administrator*: one of the whole server. *Anybody*: without credentials. *Signed in*: any user or token. On a
            server that has no users yet and listens on loopback, every caller may do everything.
            """;

    @Test
    void pageSaysWhatTheContractSays() throws Exception {
        Path page = SharedData.repository().resolve("docs/api.md");
        String expected = page();
        if (Boolean.parseBoolean(System.getenv("TIDEMILL_RENEW_DOCS"))) {
            Files.writeString(page, expected);
        }
        assertThat(Files.readString(page))
                .as(
                        "docs/api.md is out of date; TIDEMILL_RENEW_DOCS=true mvn test -pl app -Dtest=ApiPageTest renews it")
                .isEqualTo(expected);
    }

    private static String page() throws Exception {
        Map<String, Access> accesses = new HashMap<>();
        try (TestServer server = TestServer.start(Map.of())) {
            for (Route route : server.server.manifest().routes()) {
                String path = route.path().replace('<', '{').replace('>', '}');
                accesses.put(route.method().name() + " " + path, route.access());
            }
        }
        var groups = new TreeMap<String, Map<String, String>>();
        paths().forEach((path, operations) -> ((Map<?, ?>) operations).forEach((method, operation) -> {
            Map<?, ?> details = (Map<?, ?>) operation;
            String call = String.valueOf(method).toUpperCase(Locale.ROOT) + " " + path;
            String group = String.valueOf(((List<?>) Objects.requireNonNull(details.get("tags"))).getFirst());
            groups.computeIfAbsent(group, name -> new TreeMap<>())
                    // Routes of one path stand together.
                    .put(
                            path + " " + method,
                            "| `" + call + "` | " + details.get("summary") + " | "
                                    + permission(Objects.requireNonNull(accesses.get(call), call)) + " |\n");
        }));
        var text = new StringBuilder(HEAD);
        groups.forEach((group, lines) -> {
            text.append("\n## ").append(group).append("\n\n| route | what it does | permission |\n|---|---|---|\n");
            lines.values().forEach(text::append);
        });
        return text.toString();
    }

    private static Map<?, ?> paths() throws Exception {
        Object contract = new Load(
                        LoadSettings.builder().setCodePointLimit(10_000_000).build())
                .loadFromString(Files.readString(SharedData.repository().resolve("spec/openapi.yaml")));
        return (Map<?, ?>) Objects.requireNonNull(((Map<?, ?>) contract).get("paths"));
    }

    private static String permission(Access access) {
        return switch (access) {
            case Access.Open open -> "anybody";
            case Access.SignedIn signedIn -> "signed in";
            case Access.Server server -> "server administrator";
            case Access.Purpose purpose ->
                "server administrator, or a token of scope `"
                        + purpose.scope().name().toLowerCase(Locale.ROOT) + "`";
            case Access.Project project -> weakest(project.action());
        };
    }

    private static String weakest(Action action) {
        return Arrays.stream(Role.values())
                .filter(role -> role.permits(action))
                .findFirst()
                .orElseThrow()
                .name()
                .toLowerCase(Locale.ROOT);
    }
}
