package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.SharedData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Holds the contracts in {@code spec/} against what the server really does. */
class SpecTest {
    private static final Path SPEC = SharedData.repository().resolve("spec");

    private static final Pattern MLFLOW = Pattern.compile("/(api|ajax-api)/[23]\\.0/|/v1/traces");

    private static Object yaml(Path file) throws Exception {
        return new Load(LoadSettings.builder().setCodePointLimit(10_000_000).build())
                .loadFromString(Files.readString(file));
    }

    @Test
    void everyRouteIsInTheContractAndNothingElse() throws Exception {
        var written = new TreeSet<String>();
        Map<?, ?> paths = (Map<?, ?>)
                java.util.Objects.requireNonNull(((Map<?, ?>) yaml(SPEC.resolve("openapi.yaml"))).get("paths"));
        paths.forEach((path, operations) -> ((Map<?, ?>) operations)
                .keySet()
                .forEach(method -> written.add(String.valueOf(method).toUpperCase(Locale.ROOT) + " " + path)));
        var served = new TreeSet<String>();
        var mlflow = new TreeSet<String>();
        try (TestServer server = TestServer.start(Map.of())) {
            for (Route route : server.server.manifest().routes()) {
                String path = route.path().replace('<', '{').replace('>', '}');
                (MLFLOW.matcher(path).lookingAt() ? mlflow : served)
                        .add(route.method().name() + " " + path);
            }
        }
        assertThat(written).isEqualTo(served);
        // Pages of MLflow's own ask below /ajax-api what clients ask below /api.
        assertThat(mlflow.stream()
                        .filter(line -> line.contains(" /ajax-api"))
                        .map(line -> line.replace("/ajax-api", "/api")))
                .containsExactlyInAnyOrderElementsOf(
                        mlflow.stream().filter(line -> line.contains(" /api")).toList());
        assertThat(Files.readAllLines(SPEC.resolve("mlflow-routes.txt")).stream()
                        .filter(line -> !line.startsWith("#") && !line.isBlank()))
                .containsExactlyElementsOf(mlflow.stream()
                        .filter(line -> !line.contains(" /ajax-api"))
                        .toList());
    }

    @Test
    void whatRoutesOfFilesAnswerIsInTheContract() throws Exception {
        Map<?, ?> paths = (Map<?, ?>)
                java.util.Objects.requireNonNull(((Map<?, ?>) yaml(SPEC.resolve("openapi.yaml"))).get("paths"));
        var parted = new TreeSet<String>();
        paths.forEach((path, operations) -> {
            if (String.valueOf(((Map<?, ?>) operations).get("get")).contains("responses/FilePart")) {
                parted.add(String.valueOf(path));
            }
        });
        try (TestServer server = TestServer.start(Map.of())) {
            assertThat(parted)
                    .containsExactlyInAnyOrderElementsOf(server.server.manifest().routes().stream()
                            .filter(Route::sendsFiles)
                            .map(route -> route.path().replace('<', '{').replace('>', '}'))
                            .filter(path -> paths.containsKey(path) && !path.endsWith("/server/backup"))
                            .toList());
        }
    }

    @Test
    void templatesFollowTheSchema() throws Exception {
        JsonSchema schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Files.readString(SPEC.resolve("schemas/definition.schema.json")));
        for (String template : new String[] {"bike-sharing", "tabular"}) {
            try (var files =
                    Files.list(SharedData.repository().resolve("examples").resolve(template))) {
                for (Path file :
                        files.filter(path -> path.toString().endsWith(".yaml")).toList()) {
                    JsonNode document = Json.tree(yaml(file));
                    assertThat(schema.validate(document)).as(file.toString()).isEmpty();
                }
            }
        }
    }
}
