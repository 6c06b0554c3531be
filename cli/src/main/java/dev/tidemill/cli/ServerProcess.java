package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server that a command has started for itself. */
final class ServerProcess implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(60);

    private final Process process;
    private final Path directory;
    private final Path log;
    /** Whoever ends this process means its server, too. */
    private final Thread end;

    private ServerProcess(Process process, Path directory, Path log) {
        this.process = process;
        this.directory = directory;
        this.log = log;
        this.end = new Thread(process::destroy, "server-end");
        Runtime.getRuntime().addShutdownHook(end);
    }

    /**
     * Starts a server in the directory and waits until it is ready.
     *
     * @param port 0 lets it pick a free one
     */
    static ServerProcess start(Path directory, int port) throws IOException {
        Path log = directory.resolve("server.log");
        Files.createDirectories(directory);
        Files.deleteIfExists(directory.resolve("data/server.json"));
        var command = new ArrayList<>(launcher());
        command.addAll(List.of(
                "server",
                "--port",
                Integer.toString(port),
                "--grpc-port",
                "0",
                "--data-dir",
                directory.resolve("data").toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        var server = new ServerProcess(process, directory, log);
        server.awaitReady();
        return server;
    }

    /** The launcher where one started this command, else this very Java with the same class path. */
    private static List<String> launcher() {
        String launcher = System.getenv("TIDEMILL_LAUNCHER");
        if (launcher != null && !launcher.isBlank()) {
            return List.of(launcher);
        }
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.tidemill.app.Main");
    }

    private void awaitReady() throws IOException {
        long deadline = System.nanoTime() + START.toNanos();
        while (!Files.exists(ready())) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new CliException(Exit.FAILURE, "The server did not start:\n" + Files.readString(log));
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                process.destroyForcibly();
                throw new CliException(Exit.INTERRUPTED, "interrupted");
            }
        }
    }

    private Path ready() {
        return directory.resolve("data/server.json");
    }

    String url() throws IOException {
        JsonNode ready = Api.JSON.readTree(Files.readString(ready()));
        return ready.path("url").asText();
    }

    void await() throws InterruptedException {
        process.waitFor();
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(end);
        } catch (IllegalStateException e) {
            // This process is being ended, and ends the server as it is.
        }
        process.destroy();
        try {
            if (!process.waitFor(15, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
