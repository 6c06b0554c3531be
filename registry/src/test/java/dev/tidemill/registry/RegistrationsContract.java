package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.artifacts.domain.BlobReferences;
import dev.tidemill.artifacts.domain.BlobReferences.Released;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.store.SqlBlobReferences;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.ModelStore;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.Registrations;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.domain.VersionStore;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.registry.store.SqlVersionStore;
import dev.tidemill.testkit.MovableClock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What registering a folder that is stored already promises, on every database. */
abstract class RegistrationsContract {
    private static final List<Schema> SCHEMAS = List.of(ArtifactsModule.SCHEMA, RegistryModule.SCHEMA);

    @TempDir
    private Path blobs;

    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-21T08:00:00Z"));
    private Database database;
    private ArtifactsModule artifacts;
    private BlobReferences references;
    private ModelStore store;
    private VersionStore versions;
    private Registrations registrations;

    abstract Database open();

    @BeforeEach
    void start() {
        database = open();
        artifacts = new ArtifactsModule(
                database, blobs, 1 << 20, SCHEMAS, "mlflow-artifacts:/", Map.of(), new DeletionHold(), clock);
        references = new SqlBlobReferences(
                database,
                SCHEMAS.stream().flatMap(schema -> schema.digests().stream()).toList());
        store = new SqlModelStore(database);
        versions = new SqlVersionStore(database);
        var events = new SqlEventLog(database, clock);
        registrations = new Registrations(
                new Models(store, versions, artifacts.tree(), database, events, clock),
                store,
                versions,
                artifacts.tree(),
                artifacts.located(),
                RegistryModule.inspector(artifacts.blobs()),
                database,
                events,
                clock);
    }

    @AfterEach
    void stop() {
        if (database != null) {
            database.close();
        }
    }

    /** A folder of a project that nothing names any more since now. */
    private Folder letGoOf(String project) throws IOException {
        artifacts
                .tree()
                .put(
                        project,
                        "model/model.bin",
                        new ByteArrayInputStream("the same model".getBytes(StandardCharsets.UTF_8)),
                        1 << 20);
        Folder folder = artifacts.tree().freeze(project, "model").orElseThrow();
        artifacts.tree().delete(project, "model");
        return folder;
    }

    private int register(Digest folder, String madeBy) {
        return registrations
                .register(
                        "a",
                        "bikes",
                        new Registrations.Candidate(
                                folder,
                                new Signature(List.of(), List.of()),
                                ModelVersion.Training.unknown(Optional.empty())),
                        madeBy,
                        "tester")
                .version();
    }

    private Registrations.Taking take(String source, String location) {
        return registrations.take(
                "a",
                new Registrations.TakenVersion(
                        "bikes",
                        3,
                        ModelVersion.Stage.NONE,
                        new Registrations.Claim(
                                source,
                                location,
                                Optional.empty(),
                                "",
                                Optional.empty(),
                                List.of(),
                                "as it was there",
                                Map.of()),
                        clock.instant(),
                        clock.instant()),
                "tester");
    }

    private void placed(String path, String text) throws IOException {
        artifacts.tree().put("a", path, new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), 1 << 20);
    }

    private ModelVersion taken() {
        return versions.find("a", "bikes", 3).orElseThrow();
    }

    /** An import takes what it could not find before, and changes nothing that is here. */
    @Test
    void aVersionThatWasTakenWithoutFilesGetsThemLaterAndOnlyOnce() throws Exception {
        store.insertModel("a", "bikes", "", clock.instant());
        assertThat(take("s3://there/model", "")).isEqualTo(new Registrations.Taking(true, false));
        assertThat(take("s3://there/model", "")).isEqualTo(new Registrations.Taking(false, false));
        assertThat(taken().folder()).isEmpty();
        placed("imports/x/model.bin", "the model");
        Folder folder = artifacts.tree().freeze("a", "imports/x").orElseThrow();
        // The version of the same number of another registry is another one.
        assertThat(take("s3://elsewhere/model", "mlflow-artifacts:/imports/x"))
                .isEqualTo(new Registrations.Taking(false, false));
        assertThat(taken().folder()).isEmpty();
        assertThat(take("s3://there/model", "mlflow-artifacts:/imports/x"))
                .isEqualTo(new Registrations.Taking(false, true));
        assertThat(taken().folder()).contains(folder.digest());
        assertThat(taken().contents().files()).isPresent();
        assertThat(taken().description()).isEqualTo("as it was there");
        artifacts.tree().delete("a", "imports/x");
        clock.advance(Duration.ofDays(2));
        assertThat(references.inTexts()).contains(folder.digest());
        placed("imports/x/model.bin", "another model");
        assertThat(take("s3://there/model", "mlflow-artifacts:/imports/x"))
                .isEqualTo(new Registrations.Taking(false, true));
        assertThat(taken().folder()).contains(folder.digest());
    }

    /** What somebody registered here, whatever for, is not an import's to fill. */
    @Test
    void aVersionThatNoImportMadeKeepsWhatItHas() throws Exception {
        store.insertModel("a", "bikes", "", clock.instant());
        var claim = new Registrations.Claim(
                "s3://there/model", "", Optional.empty(), "", Optional.empty(), List.of(), "", Map.of());
        for (int i = 0; i < 3; i++) {
            registrations.create("a", "bikes", claim, "tester");
        }
        placed("imports/x/model.bin", "the model");
        assertThat(take("s3://there/model", "mlflow-artifacts:/imports/x"))
                .isEqualTo(new Registrations.Taking(false, false));
        assertThat(taken().folder()).isEmpty();
    }

    private Set<Digest> collectable() {
        var digests = new java.util.HashSet<Digest>();
        for (boolean folders : List.of(true, false)) {
            references
                    .released(folders, clock.instant().minus(Duration.ofDays(1)), Optional.empty(), 100)
                    .forEach((Released released) -> digests.add(released.digest()));
        }
        return digests;
    }

    @Test
    void whatIsRegisteredIsKeptFromACollectionWithItsFiles() throws Exception {
        Folder folder = letGoOf("a");
        clock.advance(Duration.ofDays(2));
        assertThat(collectable()).hasSize(2);
        assertThat(register(folder.digest(), "run/one")).isEqualTo(1);
        assertThat(collectable()).isEmpty();
    }

    @Test
    void aFolderThatIsGoneOrLacksAFileIsRefused() throws Exception {
        Folder folder = letGoOf("a");
        Files.delete(artifacts
                .blobs()
                .localFile(folder.files().values().iterator().next().digest()));
        for (Digest gone : List.of(folder.digest(), new Digest("0".repeat(64)))) {
            assertThatThrownBy(() -> register(gone, "run/one"))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.NOT_FOUND));
        }
        assertThat(versions.versions("a", "bikes")).isEmpty();
    }

    @Test
    void aFolderOfAnotherProjectIsRefused() throws Exception {
        Folder folder = letGoOf("b");
        assertThatThrownBy(() -> register(folder.digest(), "run/one")).hasMessageContaining("blob");
        assertThat(versions.versions("a", "bikes")).isEmpty();
    }

    /** What made a version is told of it again, also once its files are gone. */
    @Test
    void theSameMakerGetsTheVersionThatItMade() throws Exception {
        Folder folder = letGoOf("a");
        assertThat(register(folder.digest(), "run/one")).isEqualTo(1);
        assertThat(register(folder.digest(), "run/one")).isEqualTo(1);
        assertThat(register(folder.digest(), "run/two")).isEqualTo(2);
    }
}
