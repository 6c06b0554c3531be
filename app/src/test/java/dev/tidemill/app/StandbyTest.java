package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.DatabaseAddress;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.TestDatabase;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StandbyTest {
    private final HttpClient http = HttpClient.newHttpClient();

    @TempDir
    private Path folder;

    private Settings settings(int port, String... more) {
        var flags = new java.util.TreeMap<>(Map.of(
                Setting.HTTP_PORT.key(),
                Integer.toString(port),
                Setting.GRPC_PORT.key(),
                "0",
                Setting.DATA_DIRECTORY.key(),
                folder.resolve("data").toString(),
                Setting.STANDBY.key(),
                "true"));
        for (int i = 0; i < more.length; i += 2) {
            flags.put(more[i], more[i + 1]);
        }
        return Settings.load(Optional.empty(), Map.of(), flags);
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private Optional<HttpResponse<String>> ask(int port, String path) {
        try {
            return Optional.of(http.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                            .build(),
                    HttpResponse.BodyHandlers.ofString()));
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean answers(int port, String path, int status) {
        return ask(port, path).filter(answer -> answer.statusCode() == status).isPresent();
    }

    @Test
    void whoStandsByLivesIsNotReadyAndFollowsTheServerThatEnds() throws Exception {
        Node first = Node.start(settings(0));
        int port = freePort();
        CompletableFuture<Node> second = CompletableFuture.supplyAsync(() -> Node.start(settings(port)));
        try {
            Await.until("it says that it stands by", () -> answers(port, "/ready", 503));
            assertThat(ask(port, "/ready").orElseThrow().body())
                    .contains("stands by", "is used by another server", "UNAVAILABLE");
            assertThat(answers(port, "/health", 200)).isTrue();
            assertThat(answers(port, "/api/tidemill/v1/projects", 404))
                    .as("nothing else is answered")
                    .isTrue();
            assertThat(second).isNotDone();
        } finally {
            first.close();
        }
        try (Node followed = second.get(60, TimeUnit.SECONDS)) {
            assertThat(followed.url()).endsWith(":" + port);
            assertThat(answers(port, "/ready", 200)).isTrue();
        }
    }

    /** As where the database's own successor still only reads, or everybody comes back at once. */
    @Test
    void whatPassesAtTheTakeoverIsWaitedForOnPostgresql() throws Exception {
        String address = System.getenv(TestDatabase.POSTGRES_VARIABLE);
        Assumptions.assumeTrue(address != null && !address.isBlank(), "no PostgreSQL server is named");
        var server = (DatabaseAddress.Postgres) DatabaseAddress.parse(address);
        String name = "test_" + Ids.next().replace("-", "");
        String own = address.replaceFirst("/[^/?]*($|\\?)", "/" + name + "$1");
        try (Connection operator = DriverManager.getConnection(
                        "jdbc:postgresql://" + server.host() + ":" + server.port() + "/" + server.database(),
                        server.user(),
                        server.password().orElse(""));
                var statement = operator.createStatement()) {
            statement.execute("CREATE DATABASE " + name);
            try {
                follows(
                        own,
                        () -> statement.execute("ALTER DATABASE " + name + " SET default_transaction_read_only = on"),
                        () -> statement.execute("ALTER DATABASE " + name + " RESET default_transaction_read_only"));
            } finally {
                statement.execute("DROP DATABASE " + name + " WITH (FORCE)");
            }
        }
    }

    @Test
    void whatPassesAtTheTakeoverIsWaitedForOnSqlite() throws Exception {
        try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("other.db"));
                var statement = other.createStatement()) {
            follows(
                    "sqlite",
                    () -> {
                        statement.execute("ATTACH '" + folder.resolve("data/tidemill.db") + "' AS data");
                        statement.execute("BEGIN IMMEDIATE");
                        statement.execute("CREATE TABLE data.in_the_way (x)");
                    },
                    () -> statement.execute("ROLLBACK"));
        }
    }

    /** Done to a database by its operator. */
    @FunctionalInterface
    private interface Change {
        void make() throws SQLException;
    }

    private void follows(String database, Change trouble, Change relief) throws Exception {
        Node first = Node.start(settings(0, Setting.DATABASE.key(), database));
        int port = freePort();
        CompletableFuture<Node> second =
                CompletableFuture.supplyAsync(() -> Node.start(settings(port, Setting.DATABASE.key(), database)));
        try {
            Await.until("it stands by", () -> answers(port, "/ready", 503));
            trouble.make();
            first.close();
            Await.until(
                    "it says what it waits for now",
                    () -> ask(port, "/ready")
                            .filter(answer -> answer.body().contains("The database cannot be used now"))
                            .isPresent());
            assertThat(second).isNotDone();
        } finally {
            relief.make();
            first.close();
        }
        try (Node followed = second.get(60, TimeUnit.SECONDS)) {
            assertThat(answers(port, "/ready", 200)).isTrue();
            assertThat(followed.url()).endsWith(":" + port);
        }
    }

    @Test
    void aStandbyThatNobodyIsBeforeStartsAtOnceAndOneThatCannotStartSaysWhy() throws IOException {
        int port = freePort();
        Node.start(settings(port)).close();
        try (var taken = new ServerSocket(0)) {
            assertThatThrownBy(() -> Node.start(settings(taken.getLocalPort())).close())
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION));
        }
    }

    @Test
    void aGatewayFollowsNobody() {
        assertThatThrownBy(() -> Node.start(settings(
                                0, Setting.ROLES.key(), "gateway", Setting.CONTROL_URL.key(), "http://127.0.0.1:1"))
                        .close())
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.field()).hasValue("standby"));
    }
}
