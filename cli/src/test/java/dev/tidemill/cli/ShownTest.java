package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What commands show of what a server answers. */
class ShownTest {
    private static final String ONE = "01a22292-3c58-7d3a-9c40-2f6d1f0a5b77";
    private static final String TWO = "01a22292-4d00-7d3a-9c40-2f6d1f0a5b77";

    /** Answers by path and query; what is not here is not found. */
    private final Map<String, String> answers = new ConcurrentHashMap<>();

    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            String path = exchange.getRequestURI().toString();
            String found = answers.get(path.replaceFirst("^/api/tidemill/v1/projects/default", ""));
            byte[] body = (found == null ? "{\"error\":\"not found\",\"message\":\"Run not found\"}" : found)
                    .getBytes(StandardCharsets.UTF_8);
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(found == null ? 404 : 200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        answers.put("/pipeline-runs?limit=500", "{\"runs\":[{\"id\":\"" + TWO + "\"},{\"id\":\"" + ONE + "\"}]}");
        for (String run : List.of(ONE, TWO)) {
            answers.put("/pipeline-runs/" + run, "{\"steps\":[{\"name\":\"train\"}]}");
            answers.put(
                    "/pipeline-runs/" + run + "/steps/train/log?offset=0",
                    "{\"text\":\"of " + run + "\",\"nextOffset\":9}");
            answers.put("/pipeline-runs/" + run + "/steps/train/log?offset=9", "{\"text\":\"\"}");
        }
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private record Told(int exit, String out, String err) {}

    private Told tidemill(String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        PrintStream outBefore = System.out;
        PrintStream errBefore = System.err;
        var all = new java.util.ArrayList<>(List.of(arguments));
        all.addAll(List.of("--server", "http://127.0.0.1:" + server.getAddress().getPort()));
        try {
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
            var line = TidemillCommand.commandLine();
            line.setErr(new java.io.PrintWriter(err, true, StandardCharsets.UTF_8));
            int exit = line.execute(all.toArray(String[]::new));
            return new Told(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(outBefore);
            System.setErr(errBefore);
        }
    }

    @Test
    void logsAreOfTheRunWhoseIdBeginsSo() {
        assertThat(tidemill("logs", ONE).out()).contains("of " + ONE);
        assertThat(tidemill("logs", ONE.substring(0, 10)).out())
                .contains("of " + ONE)
                .doesNotContain(TWO);
        Told several = tidemill("logs", "01a22292");
        assertThat(several.exit()).isEqualTo(Exit.USAGE);
        assertThat(several.err()).contains("'01a22292'", ONE, TWO);
        Told none = tidemill("logs", "77");
        assertThat(none.exit()).isEqualTo(Exit.NOT_FOUND);
        assertThat(none.err()).contains("'77'");
        // A whole id is what it is.
        assertThat(tidemill("logs", "01a22292-0000-7d3a-9c40-2f6d1f0a5b77").exit())
                .isEqualTo(Exit.NOT_FOUND);
    }

    @Test
    void aDeploymentWithoutAChampionHasNone() {
        answers.put(
                "/deployments",
                "{\"deployments\":[{\"deployment\":{\"name\":\"bikes\",\"phase\":\"STABLE\"},\"live\":{},\"serving\":{}}]}");
        answers.put("/models?limit=1000", "{\"models\":[{\"name\":\"first\"}],\"next\":\"a=\"}");
        answers.put("/models?limit=1000&token=a%3D", "{\"models\":[{\"name\":\"last\"}]}");
        answers.put("/pipeline-runs?limit=10", "{\"runs\":[]}");
        answers.put("/api/tidemill/v1/server", "{}");
        answers.put("/deployments/bikes/monitoring", "{}");
        assertThat(tidemill("status").out())
                .contains("champion none  challenger none", "first ", "last ")
                .doesNotContain("v-");
    }

    /** The list of commands shows the first line of what each says of itself. */
    @Test
    void aListOfCommandsIsOfWholeSentences() {
        var first = new TreeMap<String, String>();
        lines(TidemillCommand.commandLine(), first);
        assertThat(first)
                .isNotEmpty()
                .allSatisfy((name, line) -> assertThat(line).as(name).endsWith("."));
    }

    private static void lines(picocli.CommandLine command, Map<String, String> found) {
        command.getSubcommands().forEach((name, sub) -> {
            String[] description = sub.getCommandSpec().usageMessage().description();
            found.put(sub.getCommandSpec().qualifiedName(), description.length == 0 ? "" : description[0]);
            lines(sub, found);
        });
    }
}
