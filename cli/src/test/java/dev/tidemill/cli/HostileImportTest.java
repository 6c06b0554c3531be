package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a source says, or where its links lead, takes no file of the importer's along. */
class HostileImportTest {
    private static final String SECRET = "secret-of-the-importer";
    private static final String RUN = "0123456789abcdef0123456789abcdef";

    @TempDir
    private Path directory;

    private Path home = Path.of("");
    private Path mlruns = Path.of("");
    private ScriptedServer server;

    @BeforeEach
    void start() throws IOException {
        server = ScriptedServer.taking();
        write("home/keys/id_rsa", SECRET);
        home = directory.resolve("home/keys");
        mlruns = directory.resolve("taken/mlruns");
        write("taken/mlruns/1/meta.yaml", "name: one\nexperiment_id: '1'\n");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Path write(String name, String text) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private Path run(String id, String artifacts) throws IOException {
        write("taken/mlruns/1/" + RUN + "/meta.yaml", "run_id: " + id + "\nstatus: 3\nartifact_uri: " + artifacts);
        return mlruns.resolve("1").resolve(RUN);
    }

    private void link(Path link, Path target) throws IOException {
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, target);
    }

    private ScriptedServer.Outcome take(String source, String... more) {
        var command = new java.util.ArrayList<>(List.of("import", source, "--server", server.address()));
        command.addAll(List.of(more));
        return ScriptedServer.run(command.toArray(String[]::new));
    }

    private void assertNothingLeaks(ScriptedServer.Outcome outcome) {
        assertThat(server.received()).noneMatch(request -> request.contains(SECRET));
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.INCOMPLETE);
    }

    @Test
    void filesOutsideOfTheFolderAreTakenOnlyIfTheUserNamesTheirFolder() throws IOException {
        for (String uri : List.of(home.toUri().toString(), home.toString(), mlruns + "/1/../../../home/keys")) {
            run(RUN, uri);
            ScriptedServer.Outcome refused = take(mlruns.toString());
            assertNothingLeaks(refused);
            assertThat(refused.told()).contains("run " + RUN).contains("--artifacts " + home.toRealPath());
        }
        write("other/a.txt", "another");
        run(RUN, home.toString());
        ScriptedServer.Outcome taken = take(
                mlruns.toString(),
                "--artifacts",
                directory.resolve("other").toString(),
                "--artifacts",
                home.toString());
        assertThat(taken.exit()).as(taken.told()).isEqualTo(Exit.OK);
        assertThat(server.received()).anyMatch(request -> request.contains(SECRET));
    }

    @Test
    void linksThatLeadOutsideAreNotFollowed() throws IOException {
        Path run = run(RUN, mlruns + "/1/" + RUN + "/artifacts");
        write("taken/mlruns/1/" + RUN + "/artifacts/own.txt", "own-content");
        Path secret = home.resolve("id_rsa");
        write("home/keys/named/x", SECRET);
        link(run.resolve("artifacts/link.txt"), secret);
        link(run.resolve("artifacts/folder"), home);
        link(run.resolve("artifacts/nowhere"), home.resolve("nothing"));
        link(run.resolve("artifacts/inside.txt"), run.resolve("artifacts/own.txt"));
        link(run.resolve("params/p"), secret);
        link(run.resolve("tags"), home.resolve("named"));
        link(mlruns.resolve("1/tags/t"), secret);
        ScriptedServer.Outcome outcome = take(mlruns.toString());
        assertNothingLeaks(outcome);
        for (String left :
                List.of("file 'link.txt'", "file 'folder'", "nowhere", "params/p", RUN + "/tags", "1/tags/t")) {
            assertThat(outcome.told()).contains(left);
        }
        assertThat(server.received().stream().filter(request -> request.contains("own-content")))
                .as("a file, and a link to it")
                .hasSize(2);
    }

    @Test
    void linksThatMakeUpRunsDataSetsOrModelsAreNotFollowed() throws IOException {
        write("home/mlruns/run/meta.yaml", "run_id: " + SECRET + "\n");
        write("home/mlruns/set/meta.yaml", "name: set\ndigest: d\nsource: " + SECRET + "\n");
        write("home/points/loss", "1 0.5 " + "77777\n");
        write("home/about.yaml", "name: " + SECRET + "\ncreation_timestamp: 1\n");
        Path run = run("../../../home", "");
        write(
                "taken/mlruns/1/" + RUN + "/inputs/i/meta.yaml",
                "source_type: DATASET\nsource_id: ../../../../home/mlruns/set\n");
        link(mlruns.resolve("1/0123456789abcdef"), directory.resolve("home/mlruns/run"));
        link(mlruns.resolve("2"), directory.resolve("home/mlruns"));
        link(directory.resolve("home/metrics"), directory.resolve("home/points"));
        link(mlruns.resolve("models/m/meta.yaml"), directory.resolve("home/about.yaml"));
        link(run.resolve("metrics"), directory.resolve("home/points"));
        ScriptedServer.Outcome outcome = take(mlruns.toString());
        assertNothingLeaks(outcome);
        assertThat(server.received()).noneMatch(request -> request.contains("77777"));
        assertThat(outcome.told())
                .contains("1/0123456789abcdef")
                .contains("file 2")
                .contains("models/m/meta.yaml");
    }

    @Test
    void aFolderThatIsALinkIsNamedByItsOwnName() throws IOException {
        link(directory.resolve("given/mlruns"), home);
        assertThat(take(directory.resolve("given").toString()).told()).contains("is a link to " + home.toRealPath());
        link(directory.resolve("named"), mlruns);
        run(RUN, mlruns + "/1/" + RUN + "/artifacts");
        write("taken/mlruns/1/" + RUN + "/artifacts/own.txt", "own-content");
        ScriptedServer.Outcome outcome = take(directory.resolve("named").toString());
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.OK);
        assertThat(server.received()).anyMatch(request -> request.contains("own-content"));
    }

    /** The addresses in a copy are those of what it was copied from, which may be there still. */
    @Test
    void aCopiedFolderComesWithItsOwnFiles() throws IOException {
        run(RUN, directory.resolve("first/mlruns/1/" + RUN + "/artifacts").toString());
        write("first/mlruns/1/" + RUN + "/artifacts/own.txt", "of the first");
        write("taken/mlruns/1/" + RUN + "/artifacts/own.txt", "own-content");
        ScriptedServer.Outcome outcome = take(mlruns.toString());
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.OK);
        assertThat(server.received()).anyMatch(request -> request.contains("own-content"));
    }

    @Test
    void aServerIsNotBelievedWhereItsFilesAreHere() throws IOException {
        try (var source = ScriptedServer.withRun(RUN, home.toUri())) {
            ScriptedServer.Outcome refused = take(source.address());
            assertNothingLeaks(refused);
            assertThat(refused.told()).contains("--artifacts " + home.toRealPath());
            assertThat(take(source.address(), "--artifacts", home.toString()).exit())
                    .isEqualTo(Exit.OK);
            assertThat(server.received()).anyMatch(request -> request.contains(SECRET));
        }
    }

    @Test
    void aDatabaseComesWithWhatIsInTheFoldersBesideItAlone() throws IOException, SQLException {
        Path file = home.resolve("mlflow.db");
        write("home/keys/mlruns/1/r/artifacts/own.txt", "own-content");
        write("home/keys/mlartifacts/1/s/artifacts/kept.txt", "kept-content");
        database(
                file,
                home.toString(),
                home.resolve("mlruns/1/r/artifacts").toString(),
                "mlflow-artifacts:/1/s/artifacts");
        ScriptedServer.Outcome outcome = take(file.toString());
        assertNothingLeaks(outcome);
        assertThat(outcome.told())
                .contains("1 items were left out")
                .contains("run r0")
                .contains("--artifacts");
        assertThat(server.received())
                .anyMatch(request -> request.contains("own-content"))
                .anyMatch(request -> request.contains("kept-content"));
    }

    private static void database(Path file, String... artifacts) throws SQLException {
        try (var database = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = database.createStatement()) {
            statement.execute("CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT,"
                    + " artifact_location TEXT, creation_time INTEGER, last_update_time INTEGER)");
            statement.execute("INSERT INTO experiments VALUES (1, 'one', 'active', '', 1, 1)");
            statement.execute(
                    "CREATE TABLE runs (run_uuid TEXT, name TEXT, experiment_id INTEGER, user_id TEXT, status TEXT,"
                            + " lifecycle_stage TEXT, artifact_uri TEXT, start_time INTEGER, end_time INTEGER)");
            for (int i = 0; i < artifacts.length; i++) {
                statement.execute("INSERT INTO runs VALUES ('r" + i + "', 'n', 1, 'u', 'FINISHED', 'active', '"
                        + artifacts[i] + "', 1, 2)");
            }
        }
    }
}
