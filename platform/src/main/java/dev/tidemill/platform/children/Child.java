package dev.tidemill.platform.children;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The server's side of one child JVM. Used by one caller at a time. */
final class Child implements AutoCloseable {
    static final String FOLDER = "{folder}";

    private static final Duration START = Duration.ofSeconds(60);

    private final Process process;
    private final SocketChannel channel;
    private final DataInputStream in;
    private final DataOutputStream out;
    private volatile ChildTask.Report listener = Silent.INSTANCE;
    private long idleSince = System.nanoTime();
    /** Whether the last call's answer was read: else it would be taken for the next one's. */
    private volatile boolean inStep = true;

    private Child(Process process, SocketChannel channel) {
        this.process = process;
        this.channel = channel;
        this.in = new DataInputStream(new java.io.BufferedInputStream(Channels.newInputStream(channel)));
        this.out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel)));
        Thread.ofVirtual().name("child-output-" + process.pid()).start(this::forwardOutput);
    }

    /**
     * Starts a child with a folder of its own, where its libraries unpack native code, and which goes with it.
     *
     * @param command with {@link #FOLDER} where the folder is to be named
     */
    static Child start(List<String> command) {
        Path directory = null;
        Process process = null;
        try {
            directory = ChildFolders.HERE.create();
            Path socket = directory.resolve("s");
            try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                server.bind(UnixDomainSocketAddress.of(socket));
                server.configureBlocking(false);
                String folder = directory.toString();
                var full = new java.util.ArrayList<>(command.stream()
                        .map(argument -> argument.replace(FOLDER, folder))
                        .toList());
                full.add(socket.toString());
                process = new ProcessBuilder(full).redirectErrorStream(true).start();
                Path gone = directory;
                process.onExit().thenRun(() -> ChildFolders.HERE.delete(gone));
                return new Child(process, accept(server, process));
            }
        } catch (IOException e) {
            if (process != null) {
                process.destroyForcibly();
            } else if (directory != null) {
                ChildFolders.HERE.delete(directory);
            }
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "A child process could not be started: " + e.getMessage())
                    .causedBy(e);
        }
    }

    private static SocketChannel accept(ServerSocketChannel server, Process process) throws IOException {
        long deadline = System.nanoTime() + START.toNanos();
        while (System.nanoTime() < deadline) {
            SocketChannel channel = server.accept();
            if (channel != null) {
                channel.configureBlocking(true);
                return channel;
            }
            try {
                if (process.waitFor(2, TimeUnit.MILLISECONDS)) {
                    String output = new String(
                            process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
                    throw new IOException("it ended with code " + process.exitValue() + ": " + tail(output));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                process.destroyForcibly();
                throw new IOException("interrupted while it started", e);
            }
        }
        process.destroyForcibly();
        throw new IOException("it did not start within " + START.toSeconds() + " s");
    }

    private static String tail(String output) {
        return output.length() <= 1000 ? output : output.substring(output.length() - 1000);
    }

    /**
     * Runs one task.
     *
     * @throws TidemillException what the task refused with; {@code UNAVAILABLE} if the child died; what the report threw, after which
     *     it takes no other call
     */
    JsonNode call(String task, JsonNode request, ChildTask.Report report) {
        listener = report;
        inStep = false;
        try {
            Frames.write(out, Json.write(Json.object().put("task", task).set("request", request)));
            while (true) {
                JsonNode message = Json.read(Frames.read(in));
                inStep = message.has("result") || message.has("error");
                if (message.has("result")) {
                    return message.get("result");
                }
                if (message.has("error")) {
                    throw refusal(message.get("error"));
                }
                forward(message, report);
            }
        } catch (IOException e) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "The child process ended in the middle of " + task + exit())
                    .causedBy(e);
        } finally {
            listener = Silent.INSTANCE;
            idleSince = System.nanoTime();
        }
    }

    private String exit() {
        try {
            return process.waitFor(1, TimeUnit.SECONDS) ? " with exit code " + process.exitValue() : "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    private static void forward(JsonNode message, ChildTask.Report report) {
        if (message.has("log")) {
            report.log(message.get("log").asText());
        } else if (message.has("metric")) {
            report.metric(
                    message.get("metric").asText(),
                    message.get("step").asLong(),
                    message.get("value").asDouble());
        } else if (message.has("done")) {
            report.progress(message.get("done").asLong(), message.get("total").asLong());
        }
    }

    private static TidemillException refusal(JsonNode error) {
        var refusal = new TidemillException(
                ErrorCode.valueOf(error.path("code").asText("INTERNAL")),
                error.path("message").asText());
        if (error.has("field")) {
            refusal = refusal.at(error.get("field").asText());
        }
        return error.has("remedy") ? refusal.remedy(error.get("remedy").asText()) : refusal;
    }

    private void forwardOutput() {
        try (var lines = process.inputReader()) {
            String line;
            while ((line = lines.readLine()) != null) {
                if (!line.isBlank()) {
                    listener.log(line);
                }
            }
        } catch (IOException e) {
            // the child is gone, and so is its output
        }
    }

    /** Whether it can take another call. */
    boolean isAlive() {
        return inStep && process.isAlive() && channel.isOpen();
    }

    long idleNanos() {
        return System.nanoTime() - idleSince;
    }

    /** Ends the child at once; a call in progress fails. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            channel.close();
        } catch (IOException e) {
            // closing is all that is wanted
        }
    }

    private enum Silent implements ChildTask.Report {
        INSTANCE;

        @Override
        public void log(String line) {
            org.slf4j.LoggerFactory.getLogger(Child.class).debug("child: {}", line);
        }

        @Override
        public void metric(String key, long step, double value) {}

        @Override
        public void progress(long done, long total) {}
    }
}
