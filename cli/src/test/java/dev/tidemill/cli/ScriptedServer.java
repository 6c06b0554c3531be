package dev.tidemill.cli;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Answers what a test says, and keeps all that it is told. */
final class ScriptedServer implements AutoCloseable {
    /** Gives an answer's JSON. */
    @FunctionalInterface
    interface Script {
        String answer(String method, String target, String body);
    }

    /** What a command left behind. */
    record Outcome(int exit, String told) {}

    private final HttpServer server;
    private final List<String> received = new CopyOnWriteArrayList<>();

    ScriptedServer(Script script) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String target = exchange.getRequestURI().toString();
            received.add(exchange.getRequestMethod() + " " + target + " " + body);
            byte[] answer =
                    script.answer(exchange.getRequestMethod(), target, body).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(answer.length == 0 ? 404 : 200, answer.length == 0 ? -1 : answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }

    /** One of ours that has nothing yet and takes everything. */
    static ScriptedServer taking() throws IOException {
        return new ScriptedServer((method, target, body) -> {
            if (target.contains("/import/experiments")) {
                return "{\"id\":\"7\",\"artifactLocation\":\"mlflow-artifacts:/7\"}";
            }
            return method.equals("GET") && target.contains("/runs/") ? "" : "{\"fresh\":true}";
        });
    }

    /** One with a single run, which says where its files are. */
    static ScriptedServer withRun(String run, URI artifacts) throws IOException {
        return new ScriptedServer((method, target, body) -> {
            if (target.contains("experiments/search")) {
                return "{\"experiments\":[{\"experiment_id\":\"1\",\"name\":\"one\"}]}";
            }
            return target.contains("runs/search")
                    ? "{\"runs\":[{\"info\":{\"run_id\":\"" + run + "\",\"artifact_uri\":\"" + artifacts + "\"}}]}"
                    : "{}";
        });
    }

    String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Every request with its body. */
    List<String> received() {
        return received;
    }

    /** Runs a command; what it prints on either output is told. */
    static Outcome run(String... command) {
        var told = new ByteArrayOutputStream();
        PrintStream out = System.out;
        PrintStream error = System.err;
        try (var captured = new PrintStream(told, true, StandardCharsets.UTF_8)) {
            System.setOut(captured);
            System.setErr(captured);
            int exit = TidemillCommand.commandLine().execute(command);
            return new Outcome(exit, told.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(error);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
