package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.Await;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who did what, and what was refused to whom, as an auditor reads it from a whole server. */
class AuditTest {
    private static final String V1 = "/api/tidemill/v1";
    private static final String PASSWORD = "correct horse battery";

    private TestServer server = TestServer.start(Map.of(Setting.HTTP_HOST, "0.0.0.0"));
    private String root = "";

    @BeforeEach
    void start() {
        server.post(
                V1 + "/setup",
                "{\"secret\":\"" + server.server.setupSecret().orElseThrow() + "\"," + credentials("root") + "}");
        root = signIn("root");
    }

    @AfterEach
    void close() {
        server.close();
    }

    private static String credentials(String name) {
        return "\"name\":\"" + name + "\",\"password\":\"" + PASSWORD + "\"";
    }

    private String signIn(String name) {
        HttpResponse<String> answer = server.post(V1 + "/session", "{" + credentials(name) + "}");
        return answer.headers().firstValue("Set-Cookie").orElseThrow().split(";")[0];
    }

    private JsonNode as(String cookie, String method, String path, String body, int status) {
        HttpResponse<String> answer = server.call(method, V1 + path, Optional.empty(), body, "Cookie", cookie);
        assertThat(answer.statusCode()).as(path + " " + answer.body()).isEqualTo(status);
        return answer.body().isEmpty()
                ? Json.object()
                : Json.parse(answer.body().getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> lines(JsonNode list, String... fields) {
        return list.valueStream()
                .map(item -> List.of(fields).stream()
                        .map(field -> item.path(field).asText())
                        .reduce((a, b) -> a + " " + b)
                        .orElseThrow())
                .toList();
    }

    @Test
    void whoDidWhatIsKnownOnceTokenAndUserAreGone() {
        as(root, "POST", "/users", "{" + credentials("ada") + ",\"administrator\":true}", 201);
        JsonNode token = as(signIn("ada"), "POST", "/tokens", "{\"label\":\"ci\"}", 201);
        String id = token.path("token").path("id").asText();
        assertThat(server.call(
                                "POST",
                                V1 + "/projects",
                                Optional.of(token.path("secret").asText()),
                                "{\"name\":\"shop\"}")
                        .statusCode())
                .isEqualTo(201);
        as(root, "DELETE", "/users/ada", "", 204);

        JsonNode told = as(root, "GET", "/projects/shop/events", "", 200).path("events");
        assertThat(lines(told, "type", "actor", "user"))
                .containsExactly("dev.tidemill.project.created user:ada/token:" + id + " ada");
        assertThat(as(root, "GET", "/events?user=ada", "", 200).path("events")).hasSize(2);
        assertThat(lines(
                        as(root, "GET", "/events?type=dev.tidemill.user.", "", 200)
                                .path("events"),
                        "subject",
                        "actor"))
                .containsExactly("user/ada user:root", "user/ada user:root", "user/root setup");
        JsonNode made =
                as(root, "GET", "/events?type=token.", "", 200).path("events").path(0);
        assertThat(made.path("source").asText()).isEqualTo("/server");
        assertThat(made.has("project")).isFalse();
        assertThat(made.path("data").path("user").asText()).isEqualTo("ada");
        assertThat(made.path("data").path("label").asText()).isEqualTo("ci");
    }

    @Test
    void eventsOfNoProjectAreForAdministratorsAndNoProjectPromisesThem() {
        as(root, "POST", "/users", "{" + credentials("bob") + ",\"administrator\":false}", 201);
        as(root, "PUT", "/projects/default/members/bob", "{\"role\":\"admin\"}", 200);
        String bob = signIn("bob");
        as(bob, "GET", "/events", "", 403);
        as(bob, "GET", "/refusals", "", 403);
        assertThat(as(bob, "GET", "/projects/default/events?type=user.", "", 400)
                        .path("detail")
                        .asText())
                .contains("are of no project");
        as(bob, "POST", "/projects/default/webhooks", "{\"url\":\"http://8.8.8.8/\",\"types\":\"user.\"}", 400);
        assertThat(as(bob, "GET", "/projects/default/events?type=dev.tidemill.member.", "", 200)
                        .path("events"))
                .hasSize(1);
        as(bob, "GET", "/projects/default/events?type=memmber.", "", 400);
        JsonNode page = as(root, "GET", "/events?limit=1", "", 200);
        assertThat(lines(page.path("events"), "type")).containsExactly("dev.tidemill.member.changed");
        JsonNode next =
                as(root, "GET", "/events?limit=1&before=" + page.path("next").asText(), "", 200);
        assertThat(lines(next.path("events"), "type")).containsExactly("dev.tidemill.user.created");
    }

    @Test
    void refusalsNameWhoWasRefused() {
        as(root, "POST", "/users", "{" + credentials("bob") + ",\"administrator\":false}", 201);
        String bob = signIn("bob");
        as(bob, "GET", "/users", "", 403);
        server.post(V1 + "/session", "{\"name\":\"root\",\"password\":\"not this one\"}");
        Await.until(
                "both refusals to be journalled",
                () -> as(root, "GET", "/refusals", "", 200).path("refusals").size() == 2);
        assertThat(lines(as(root, "GET", "/refusals", "", 200).path("refusals"), "actor", "user", "path", "code"))
                .containsExactly(
                        "anonymous  /api/tidemill/v1/session UNAUTHENTICATED",
                        "user:bob bob /api/tidemill/v1/users PERMISSION_DENIED");
        assertThat(as(root, "GET", "/refusals?user=bob&code=permission_denied", "", 200)
                        .path("refusals"))
                .hasSize(1);
        as(root, "GET", "/refusals?code=NOT_FOUND", "", 400);
    }
}
