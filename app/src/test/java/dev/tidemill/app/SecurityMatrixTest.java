package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.grpc.GrpcMethod;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Walks every route of the manifest as every role, in the caller's own project and in another's. */
class SecurityMatrixTest {
    private static final String PASSWORD = "correct horse battery";
    private static TestServer server;
    private static final Map<Role, String> TOKENS = new EnumMap<>(Role.class);
    private static String adminToken = "";

    @BeforeAll
    static void start() {
        server = TestServer.start(Map.of(Setting.HTTP_HOST, "0.0.0.0"));
        String secret = server.server.setupSecret().orElseThrow();
        assertThat(server.post(
                                "/api/tidemill/v1/setup",
                                "{\"secret\":\"no\",\"name\":\"eve\",\"password\":\"" + PASSWORD + "\"}")
                        .statusCode())
                .isEqualTo(401);
        expect(
                201,
                server.post(
                        "/api/tidemill/v1/setup",
                        "{\"secret\":\"" + secret + "\",\"name\":\"root\",\"password\":\"" + PASSWORD + "\"}"));
        adminToken = token("root", "{}");
        for (String project : List.of("own", "other")) {
            expect(
                    201,
                    server.call(
                            "POST",
                            "/api/tidemill/v1/projects",
                            Optional.of(adminToken),
                            "{\"name\":\"" + project + "\"}"));
        }
        for (Role role : Role.values()) {
            String name = "u-" + role.name().toLowerCase(java.util.Locale.ROOT);
            expect(
                    201,
                    server.call(
                            "POST",
                            "/api/tidemill/v1/users",
                            Optional.of(adminToken),
                            "{\"name\":\"" + name + "\",\"password\":\"" + PASSWORD + "\"}"));
            expect(
                    200,
                    server.call(
                            "PUT",
                            "/api/tidemill/v1/projects/own/members/" + name,
                            Optional.of(adminToken),
                            "{\"role\":\"" + role + "\"}"));
            TOKENS.put(role, token(name, "{}"));
        }
    }

    private static String token(Role role) {
        return java.util.Objects.requireNonNull(TOKENS.get(role));
    }

    private static void expect(int status, HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    }

    private static String token(String user, String body) {
        HttpResponse<String> session = server.post(
                "/api/tidemill/v1/session", "{\"name\":\"" + user + "\",\"password\":\"" + PASSWORD + "\"}");
        expect(200, session);
        String cookie = session.headers().firstValue("Set-Cookie").orElseThrow();
        assertThat(cookie).contains("HttpOnly").contains("SameSite=Strict");
        HttpResponse<String> made =
                server.call("POST", "/api/tidemill/v1/tokens", Optional.empty(), body, "Cookie", cookie.split(";")[0]);
        expect(201, made);
        return Json.read(made.body()).path("secret").asText();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static String path(Route route, String project) {
        return route.path()
                .replace("{project}", project)
                .replace("{model}", route.path().startsWith("/v2") ? project + "~none" : "none")
                .replace("{version}", "1")
                .replaceAll("\\{[a-z]*[dD]igest}", "0".repeat(64))
                .replaceAll("[{<][A-Za-z]+[}>]", "none");
    }

    private static List<Route> routes() {
        return server.server.manifest().routes();
    }

    /** Streams never end by themselves; that they refuse is seen, that they admit is seen elsewhere. */
    private static boolean isStream(Route route) {
        return route.path().endsWith("/stream");
    }

    private static HttpResponse<String> call(Route route, String project, Optional<String> token) {
        String body = Set.of("POST", "PUT", "PATCH").contains(route.method().name()) ? "{}" : "";
        String[] headers = {"X-Tidemill-Project", project, "X-MLFLOW-WORKSPACE", project};
        return server.call(route.method().name(), path(route, project), token, body, headers);
    }

    @Test
    void nobodyGetsInWithoutCredentials() {
        for (Route route : routes()) {
            if (!(route.access() instanceof Access.Open)) {
                assertThat(call(route, "own", Optional.empty()).statusCode())
                        .as(route.signature())
                        .isEqualTo(401);
                assertThat(call(route, "own", Optional.of("tdm_" + "0".repeat(64)))
                                .statusCode())
                        .as(route.signature() + " with a wrong token")
                        .isEqualTo(401);
            }
        }
    }

    @Test
    void openRoutesAreTheseAndNoOthers() {
        var open = new ArrayList<String>();
        routes().stream()
                .filter(route -> route.access() instanceof Access.Open)
                .forEach(route -> open.add(route.signature()));
        assertThat(open)
                .containsExactlyInAnyOrder(
                        "GET /",
                        "GET /assets/{file}",
                        "GET /favicon.svg",
                        "GET /ui/<page>",
                        "GET /health",
                        "GET /ready",
                        "GET /v2",
                        "GET /v2/health/live",
                        "GET /v2/health/ready",
                        "POST /api/tidemill/v1/setup",
                        "POST /api/tidemill/v1/session",
                        "DELETE /api/tidemill/v1/session",
                        // A signature or an upload's secret stands in their paths.
                        "GET /api/tidemill/v1/transfers/{project}/{expires}/{signature}/<path>",
                        "PUT /api/tidemill/v1/transfers/{project}/{expires}/{signature}/<path>",
                        "PUT /api/tidemill/v1/parts/{upload}/{number}",
                        "GET /version");
    }

    @Test
    void eachRoleDoesWhatItMayAndNoMore() {
        for (Route route : routes()) {
            if (!(route.access() instanceof Access.Project access) || isStream(route)) {
                continue;
            }
            for (Role role : Role.values()) {
                int status = call(route, "own", Optional.of(token(role))).statusCode();
                if (role.permits(access.action())) {
                    assertThat(status).as(route.signature() + " as " + role).isNotIn(401, 403);
                    // 501 is the answer of a route that says it is not offered; it fails nothing.
                    assertThat(status == 501 ? 404 : status)
                            .as(route.signature() + " as " + role)
                            .isLessThan(500);
                } else {
                    assertThat(status).as(route.signature() + " as " + role).isEqualTo(403);
                }
            }
        }
    }

    @Test
    void anotherProjectIsNotThere() {
        for (Route route : routes()) {
            if (route.access() instanceof Access.Project) {
                for (Role role : Role.values()) {
                    HttpResponse<String> other = call(route, "other", Optional.of(token(role)));
                    HttpResponse<String> missing = call(route, "missing", Optional.of(token(role)));
                    assertThat(other.statusCode())
                            .as(route.signature() + " as " + role)
                            .isEqualTo(404);
                    assertThat(other.body().replaceAll("other|\"requestId\":\"[^\"]*\"", ""))
                            .as("no difference tells that the project exists")
                            .isEqualTo(missing.body().replaceAll("missing|\"requestId\":\"[^\"]*\"", ""));
                }
            }
        }
    }

    @Test
    void serverRoutesTakeAnAdministrator() {
        for (Route route : routes()) {
            if (route.access() instanceof Access.Server || route.access() instanceof Access.Purpose) {
                assertThat(call(route, "own", Optional.of(token(Role.ADMIN))).statusCode())
                        .as(route.signature())
                        .isEqualTo(403);
                assertThat(call(route, "own", Optional.of(adminToken)).statusCode())
                        .as(route.signature())
                        .isNotIn(401, 403);
            }
        }
    }

    @Test
    void aTokenIsNoMoreThanItsScope() {
        String viewer = token("root", "{\"role\":\"viewer\"}");
        expect(200, server.call("GET", "/api/tidemill/v1/projects/own/models", Optional.of(viewer), ""));
        expect(403, server.call("POST", "/api/tidemill/v1/projects/own/definitions", Optional.of(viewer), "{}"));
        expect(403, server.call("GET", "/api/tidemill/v1/users", Optional.of(viewer), ""));
        String own = token("root", "{\"project\":\"own\"}");
        expect(200, server.call("GET", "/api/tidemill/v1/projects/own/models", Optional.of(own), ""));
        expect(404, server.call("GET", "/api/tidemill/v1/projects/other/models", Optional.of(own), ""));
        JsonNode listed = Json.read(server.call("GET", "/api/tidemill/v1/projects", Optional.of(own), "")
                .body());
        assertThat(listed.path("projects")).hasSize(1);
        JsonNode tokens = Json.read(server.call("GET", "/api/tidemill/v1/tokens", Optional.of(adminToken), "")
                        .body())
                .path("tokens");
        assertThat(tokens.toString()).doesNotContain(adminToken);
    }

    @Test
    void askingForTheHeadTakesWhatAskingForTheWholeTakes() {
        for (Route route : routes()) {
            if (route.method().name().equals("GET") && !(route.access() instanceof Access.Open)) {
                String[] project = {"X-MLFLOW-WORKSPACE", "own"};
                assertThat(server.call("HEAD", path(route, "own"), Optional.empty(), "", project)
                                .statusCode())
                        .as(route.signature())
                        .isEqualTo(401);
            }
        }
    }

    @Test
    void aTokenForMetricsReadsThemAndNothingElse() {
        String scraper = token("root", "{\"scope\":\"metrics\"}");
        expect(200, server.call("GET", "/metrics", Optional.of(scraper), ""));
        expect(403, server.call("GET", "/metrics", Optional.of(token(Role.ADMIN)), ""));
        for (Route route : routes()) {
            if (!(route.access() instanceof Access.Open) && !(route.access() instanceof Access.Purpose)) {
                assertThat(call(route, "own", Optional.of(scraper)).statusCode())
                        .as(route.signature())
                        .isEqualTo(403);
            }
        }
    }

    @Test
    void guessingPasswordsIsSlowedDown() {
        String body = "{\"name\":\"nobody\",\"password\":\"wrong password here\"}";
        for (int i = 0; i < 5; i++) {
            expect(401, server.post("/api/tidemill/v1/session", body));
        }
        expect(429, server.post("/api/tidemill/v1/session", body));
    }

    @Test
    void overGrpcTheSameRulesHold() {
        try (var calls = new GrpcCalls(server.server.grpcAddress().replace("0.0.0.0", "127.0.0.1"))) {
            for (GrpcMethod<?, ?> method : server.server.manifest().methods()) {
                String name = method.signature();
                if (method.access() instanceof Access.Open) {
                    assertThat(calls.call(method, "own", Optional.empty()))
                            .as(name)
                            .isEqualTo("OK");
                    continue;
                }
                assertThat(calls.call(method, "own", Optional.empty())).as(name).startsWith("UNAUTHENTICATED");
                assertThat(calls.call(method, "own", Optional.of("tdm_" + "0".repeat(64))))
                        .as(name)
                        .startsWith("UNAUTHENTICATED");
                for (Role role : Role.values()) {
                    var token = Optional.of(token(role));
                    boolean permitted =
                            method.access() instanceof Access.Project access && role.permits(access.action());
                    assertThat(calls.call(method, "own", token).startsWith("PERMISSION_DENIED"))
                            .as(name + " as " + role)
                            .isNotEqualTo(permitted);
                    String other = calls.call(method, "other", token);
                    assertThat(other).as(name + " as " + role).startsWith("NOT_FOUND");
                    assertThat(other.replace("other", ""))
                            .as("no difference tells that the project exists")
                            .isEqualTo(calls.call(method, "missing", token).replace("missing", ""));
                }
            }
        }
    }

    @Test
    void methodsOpenToAllAreTheseAndNoOthers() {
        assertThat(server.server.manifest().methods().stream()
                        .filter(method -> method.access() instanceof Access.Open)
                        .map(GrpcMethod::signature))
                .containsExactlyInAnyOrder(
                        "GRPC inference.GRPCInferenceService/ServerLive",
                        "GRPC inference.GRPCInferenceService/ServerReady",
                        "GRPC inference.GRPCInferenceService/ServerMetadata");
    }
}
