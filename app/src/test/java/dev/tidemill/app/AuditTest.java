package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.ids.Ids;
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

    private static final Map<String, String> EVERY_STEP = Map.of(
            "d.yaml",
            """
            kind: DataSet
            name: rides
            source: {file: t.csv}
            columns:
              moment: {type: timestamp}
              minutes: {type: long}
              took: {type: double}
            time: moment
            """,
            "v.yaml",
            "kind: FeatureView\nname: view\nsource: rides\ntime: moment\nlabel: took\nsql: v.sql",
            "v.sql",
            "SELECT moment, minutes, took FROM source",
            "m.yaml",
            "kind: Deployment\nname: rides\nmodel: rides\nview: view",
            "p.yaml",
            """
            kind: Pipeline
            name: all
            parameters: {depth: {default: "2"}}
            steps:
              - {name: import, uses: dataset.import, with: {data-set: rides}}
              - name: features
                uses: features.materialize
                with: {view: view, version: "${steps.import.version}"}
              - name: trial
                uses: training.xgboost
                with: {data: "${steps.features.version}", target: took, time: moment, holdout: P1D, max_depth: "${parameters.depth}"}
              - {name: best, uses: training.select, with: {trials: "${steps.trial.trained}"}}
              - name: evaluate
                uses: training.evaluate
                with: {candidate: "${steps.best.trained}", data: "${steps.features.version}", target: took, time: moment, holdout: P1D}
              - name: register
                uses: registry.register
                with: {model: rides, trained: "${steps.best.trained}"}
              - name: score
                uses: inference.score
                with: {model: rides, version: "${steps.register.version}", data: "${steps.features.version}", output: scored}
              - name: offer
                uses: deployments.offer
                with: {deployment: rides, version: "${steps.register.version}"}
            """);

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

    /** Every kind of step, run twice: the first version is deployed, the other, which is no better, is turned down. */
    @Test
    void whatAPipelineMakesIsByWhoeverStartedIt() {
        as(root, "POST", "/users", "{" + credentials("mia") + ",\"administrator\":false}", 201);
        as(root, "PUT", "/projects/default/members/mia", "{\"role\":\"maintainer\"}", 200);
        String mia = signIn("mia");
        JsonNode token = as(mia, "POST", "/tokens", "{\"label\":\"ci\"}", 201);
        var csv = new StringBuilder("moment,minutes,took\n");
        for (int i = 0; i < 200; i++) {
            csv.append("2026-01-%02dT%02d:00:00Z,%d,%d\n".formatted(1 + i / 24, i % 24, i % 7, i % 7 * 3));
        }
        assertThat(server.call("POST", V1 + "/projects/default/blobs", Optional.empty(), csv.toString(), "Cookie", mia)
                        .statusCode())
                .isEqualTo(201);
        as(
                mia,
                "POST",
                "/projects/default/definitions",
                Json.write(Map.of("files", EVERY_STEP, "blobs", Map.of("t.csv", Ids.sha256(csv.toString())))),
                200);
        for (String depth : List.of("2", "3")) {
            HttpResponse<String> started = server.call(
                    "POST",
                    V1 + "/projects/default/pipelines/all/runs",
                    Optional.of(token.path("secret").asText()),
                    "{\"parameters\":{\"depth\":\"" + depth + "\"}}");
            String run = Json.parse(started.body().getBytes(StandardCharsets.UTF_8))
                    .path("id")
                    .asText();
            Await.until("the run ends", () -> !state(mia, run).equals("RUNNING"));
            assertThat(as(mia, "GET", "/projects/default/pipeline-runs/" + run, "", 200)
                            .toString())
                    .contains("\"state\":\"SUCCEEDED\"");
        }
        String actor = "user:mia/token:" + token.path("token").path("id").asText();
        JsonNode events =
                as(root, "GET", "/projects/default/events?limit=1000", "", 200).path("events");
        assertThat(lines(events, "actor", "type"))
                .contains(
                        actor + " dev.tidemill.data-set.version.created",
                        actor + " dev.tidemill.experiment.created",
                        actor + " dev.tidemill.run.started",
                        actor + " dev.tidemill.run.finished",
                        actor + " dev.tidemill.model.version.registered",
                        actor + " dev.tidemill.model.alias.moved",
                        actor + " dev.tidemill.deployment.deployed",
                        actor + " dev.tidemill.deployment.rejected",
                        actor + " dev.tidemill.model.version.archived");
        assertThat(lines(events, "actor", "type", "cause"))
                .allMatch(line -> !line.contains("registered") && !line.contains(".run.f")
                        || line.contains(" pipeline-run/")
                        || line.contains("pipeline.run"))
                .noneMatch(line -> line.startsWith("system ") && !line.contains("project.created"));
    }

    private String state(String cookie, String run) {
        return as(cookie, "GET", "/projects/default/pipeline-runs/" + run, "", 200)
                .path("run")
                .path("state")
                .asText();
    }
}
