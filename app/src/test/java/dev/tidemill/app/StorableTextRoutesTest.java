package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.testkit.TestDatabase;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Texts that no database keeps are refused on every route, on both databases, wherever they stand. */
class StorableTextRoutesTest {
    private static final List<String> FAULTS =
            List.of("a\\u0000b", "\\u0000", "\\ud83d", "\\ude00x", "\\ud83d\\\\ude00");

    private static final List<String> BODIES = List.of(
            "{\"name\":\"%s\"}",
            "{\"%s\":1}",
            "{\"tags\":[{\"key\":\"k\",\"value\":\"%s\"}]}",
            "{\"tags\":{\"%s\":\"v\"},\"name\":\"n\"}",
            "{\"experiment_id\":\"0\",\"a\":[[{\"b\":[\"%s\"]}]]}");

    @Test
    void onSqlite() {
        tryAll(Map.of());
    }

    @Test
    void onPostgres() throws Exception {
        String address = System.getenv(TestDatabase.POSTGRES_VARIABLE);
        Assumptions.assumeTrue(address != null && !address.isBlank(), "no PostgreSQL server is named");
        String schema = "test_" + Ids.next().replace("-", "");
        var parsed = java.net.URI.create(address);
        try (var connection = DriverManager.getConnection(
                        "jdbc:postgresql://" + parsed.getHost() + ":" + parsed.getPort() + parsed.getPath(),
                        parsed.getUserInfo().split(":")[0],
                        "");
                var statement = connection.createStatement()) {
            statement.execute("CREATE SCHEMA " + schema);
        }
        tryAll(Map.of(Setting.DATABASE, address + "?schema=" + schema));
    }

    /** Who refuses a body without reading it closes the connection, which the client may have taken for the next request. */
    private static HttpResponse<String> ask(TestServer server, String method, String path, String body) {
        try {
            return server.call(method, path, Optional.empty(), body, "Content-Type", "application/json");
        } catch (UncheckedIOException e) {
            return server.call(method, path, Optional.empty(), body, "Content-Type", "application/json");
        }
    }

    private static void tryAll(Map<Setting, String> settings) {
        var random = new Random(9);
        var wrong = new ArrayList<String>();
        int refused = 0;
        try (var server = TestServer.start(settings)) {
            for (Route route : server.server.manifest().routes()) {
                String method = route.method().name();
                String path = route.path()
                        .replace("{project}", "default")
                        .replaceAll("\\{[a-z]*[dD]igest}", "0".repeat(64))
                        .replaceAll("[{<][A-Za-z]+[}>]", "1");
                if (route.path().endsWith("/stream")) {
                    continue;
                }
                HttpResponse<String> asked = ask(server, method, path + "?x=a%00b", "");
                if (asked.statusCode() != 400 || !asked.body().contains("NUL")) {
                    wrong.add(route.signature() + " with a NUL in the query: " + asked.statusCode());
                }
                if (!path.equals(route.path().replace("{project}", "default"))) {
                    int last = path.lastIndexOf("1");
                    String faulty = last < 0 ? path : path.substring(0, last) + "a%00b" + path.substring(last + 1);
                    int status = ask(server, method, faulty, "").statusCode();
                    if (last >= 0 && status != 400 && status != 404) {
                        wrong.add(route.signature() + " with a NUL in the path: " + status);
                    }
                }
                if (!List.of("POST", "PUT", "PATCH").contains(method)) {
                    continue;
                }
                String body =
                        BODIES.get(random.nextInt(BODIES.size())).formatted(FAULTS.get(random.nextInt(FAULTS.size())));
                HttpResponse<String> answer = ask(server, method, path, body);
                if (answer.statusCode() >= 500 && answer.statusCode() != 501) {
                    wrong.add(route.signature() + " of " + body + ": " + answer.statusCode() + " " + answer.body());
                }
                refused +=
                        answer.statusCode() == 400 && answer.body().matches("(?s).*(NUL|half a character).*") ? 1 : 0;
            }
            for (String path : List.of(
                    "/api/2.0/mlflow/experiments/create",
                    "/api/2.0/mlflow/runs/create",
                    "/api/2.0/mlflow/registered-models/create",
                    "/api/tidemill/v1/projects/default/definitions",
                    "/api/tidemill/v1/projects/default/webhooks",
                    "/api/tidemill/v1/projects/default/views",
                    "/api/tidemill/v1/projects")) {
                for (String body : BODIES) {
                    for (String fault : FAULTS) {
                        HttpResponse<String> answer = ask(server, "POST", path, body.formatted(fault));
                        if (answer.statusCode() != 400 || !answer.body().matches("(?s).*(NUL|half a character).*")) {
                            wrong.add("POST " + path + " of " + body.formatted(fault) + ": " + answer.statusCode() + " "
                                    + answer.body());
                        }
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(refused)
                .as("routes that read JSON and refuse it for its text")
                .isGreaterThan(60);
    }
}
