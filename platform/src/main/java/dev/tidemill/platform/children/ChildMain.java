package dev.tidemill.platform.children;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * The child's side: takes one request after the other from the server's socket. It ends when its standard input closes,
 * which happens whenever the server ends, even by SIGKILL, so that no child outlives its server.
 */
public final class ChildMain {
    private ChildMain() {}

    /** @param arguments the path of the server's Unix domain socket */
    public static void main(String[] arguments) throws IOException {
        var root = (ch.qos.logback.classic.Logger) org.slf4j.LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(ch.qos.logback.classic.Level.WARN);
        Thread.ofPlatform().daemon().name("parent-watch").start(ChildMain::exitWithParent);
        Map<String, ChildTask> tasks = new HashMap<>();
        ServiceLoader.load(ChildTask.class).forEach(task -> tasks.put(task.name(), task));
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(Path.of(arguments[0])));
            var in = new DataInputStream(Channels.newInputStream(channel));
            var out = new DataOutputStream(new java.io.BufferedOutputStream(Channels.newOutputStream(channel)));
            while (true) {
                serve(tasks, Json.read(Frames.read(in)), out);
            }
        } catch (EOFException closed) {
            System.exit(0);
        }
    }

    private static void exitWithParent() {
        try {
            while (System.in.read() >= 0) {
                // nothing is ever sent
            }
        } catch (IOException e) {
            // the pipe broke: the same as its end
        }
        Runtime.getRuntime().halt(0);
    }

    private static void serve(Map<String, ChildTask> tasks, JsonNode request, DataOutputStream out) throws IOException {
        String name = request.path("task").asText();
        ChildTask task = tasks.get(name);
        ObjectNode answer = Json.object();
        try {
            if (task == null) {
                throw new TidemillException(ErrorCode.NOT_SUPPORTED, "This build has no task '" + name + "'");
            }
            answer.set("result", task.run(request.path("request"), new FramedReport(out)));
        } catch (TidemillException e) {
            answer.set(
                    "error",
                    error(
                            e.code(),
                            e.message(),
                            e.field().orElse(null),
                            e.remedy().orElse(null)));
        } catch (Exception | OutOfMemoryError | LinkageError e) {
            e.printStackTrace();
            answer.set("error", error(ErrorCode.INTERNAL, name + " failed: " + e, null, null));
        }
        Frames.write(out, Json.write(answer));
    }

    private static ObjectNode error(
            ErrorCode code,
            String message,
            @org.jspecify.annotations.Nullable String field,
            @org.jspecify.annotations.Nullable String remedy) {
        ObjectNode error = Json.object().put("code", code.name()).put("message", message);
        if (field != null) {
            error.put("field", field);
        }
        if (remedy != null) {
            error.put("remedy", remedy);
        }
        return error;
    }

    private record FramedReport(DataOutputStream out) implements ChildTask.Report {
        @Override
        public void log(String line) {
            send(Json.object().put("log", line));
        }

        @Override
        public void metric(String key, long step, double value) {
            send(Json.object().put("metric", key).put("step", step).put("value", value));
        }

        @Override
        public void progress(long done, long total) {
            send(Json.object().put("done", done).put("total", total));
        }

        private void send(ObjectNode message) {
            try {
                Frames.write(out, Json.write(message));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
