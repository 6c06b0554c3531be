package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A value that no MLflow keeps costs at most what it belongs to. */
class OddDatabaseTest {
    /** 40 MiB. */
    private static final String HUGE = "replace(hex(zeroblob(20971520)), '0', 'x')";

    @TempDir
    private Path folder;

    private ScriptedServer server;

    @BeforeEach
    void write() throws IOException, SQLException {
        server = ScriptedServer.taking();
        try (var database = DriverManager.getConnection("jdbc:sqlite:" + file());
                var statement = database.createStatement()) {
            for (String sql : List.of(
                    "CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT,"
                            + " artifact_location TEXT, creation_time INTEGER, last_update_time INTEGER)",
                    "CREATE TABLE experiment_tags (experiment_id INTEGER, key TEXT, value TEXT)",
                    "CREATE TABLE runs (run_uuid TEXT, name TEXT, experiment_id INTEGER, user_id TEXT, status TEXT,"
                            + " lifecycle_stage TEXT, artifact_uri TEXT, start_time INTEGER, end_time INTEGER)",
                    "CREATE TABLE params (run_uuid TEXT, key TEXT, value TEXT)",
                    "CREATE TABLE registered_models (name TEXT, creation_time INTEGER, last_updated_time INTEGER,"
                            + " description TEXT)",
                    "CREATE TABLE registered_model_tags (name TEXT, key TEXT, value TEXT)",
                    "INSERT INTO registered_models VALUES ('m1', 1, 1, ''), ('m2', 1, 1, '')",
                    "INSERT INTO experiments VALUES (1, 'e1', 'active', '', 1, 1), (2, 'e2', 'active', '', 1, 1)",
                    "INSERT INTO runs VALUES ('a1', 'n', 1, 'u', 'FINISHED', 'active', '', 1, 2),"
                            + " ('b1', 'n', 1, 'u', 'FINISHED', 'active', '', 1, 2),"
                            + " ('a2', 'n', 2, 'u', 'FINISHED', 'active', '', 1, 2)")) {
                statement.execute(sql);
            }
        }
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Path file() {
        return folder.resolve("mlflow.db");
    }

    private void change(String sql) throws SQLException {
        try (var database = DriverManager.getConnection("jdbc:sqlite:" + file());
                var statement = database.createStatement()) {
            statement.execute(sql);
        }
    }

    private List<String> taken() {
        ScriptedServer.Outcome outcome = ScriptedServer.run("import", file().toString(), "--server", server.address());
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.INCOMPLETE);
        assertThat(outcome.told()).contains("33554432 bytes");
        return Stream.of("e1", "e2", "a1", "b1", "a2", "m1", "m2")
                .filter(name -> server.received().stream()
                        .anyMatch(request -> request.contains("POST")
                                && request.contains("/import/")
                                && request.contains("\"" + name + "\"")))
                .toList();
    }

    @Test
    void aParamOfMegabytes() throws SQLException {
        change("INSERT INTO params VALUES ('a1', 'p', " + HUGE + ")");
        assertThat(taken()).containsExactly("e1", "e2", "b1", "a2", "m1", "m2");
    }

    @Test
    void aTagOfAnExperimentOfMegabytes() throws SQLException {
        change("INSERT INTO experiment_tags VALUES (1, 't', " + HUGE + ")");
        assertThat(taken()).containsExactly("e2", "a2", "m1", "m2");
    }

    @Test
    void aTagOfAModelOfMegabytes() throws SQLException {
        change("INSERT INTO registered_model_tags VALUES ('m1', 't', " + HUGE + ")");
        assertThat(taken()).containsExactly("e1", "e2", "a1", "b1", "a2", "m2");
    }
}
