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
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Holds the contracts in {@code spec/} against what the server really does. */
class SpecTest {
    private static final Path SPEC = SharedData.repository().resolve("spec");

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
        try (TestServer server = TestServer.start(Map.of())) {
            for (Route route : server.server.manifest().routes()) {
                served.add(route.method().name() + " "
                        + route.path().replace('<', '{').replace('>', '}'));
            }
        }
        assertThat(written).isEqualTo(served);
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
