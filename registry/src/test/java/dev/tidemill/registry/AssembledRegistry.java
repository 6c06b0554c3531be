package dev.tidemill.registry;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelTags;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.domain.Trust;
import dev.tidemill.registry.domain.VersionId;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.registry.store.SqlVersionStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The registry with a model, put together as in a server, for contracts on every database. */
abstract class AssembledRegistry {
    static final List<String> DOMAINS = List.of("platform", "artifacts", "registry");
    static final String PROJECT = "a";
    static final String MODEL = "bikes";
    private static final Instant NOW = Instant.parse("2026-11-21T08:00:00Z");

    @TempDir
    Path directory;

    Database database;
    Models models;
    Aliases aliases;
    ModelTags tags;
    Trust trust;
    private SqlVersionStore versions;

    abstract Database open();

    @BeforeEach
    void assemble() {
        database = open();
        Clock clock = Clock.systemUTC();
        var artifacts = new ArtifactsModule(
                database,
                directory,
                1 << 20,
                List.of(ArtifactsModule.SCHEMA),
                "mlflow-artifacts:/",
                Map.of(),
                new DeletionHold(),
                clock);
        var events = new SqlEventLog(database, clock);
        var store = new SqlModelStore(database);
        versions = new SqlVersionStore(database);
        models = new Models(store, versions, artifacts.tree(), database, events, clock);
        aliases = new Aliases(store, versions, models, database, events);
        tags = new ModelTags(store, models, database, events);
        trust = new Trust(store, models, database, events);
        store.insertModel(PROJECT, MODEL, "", NOW);
    }

    @AfterEach
    void close() {
        if (database != null) {
            database.close();
        }
    }

    /** A version of the model, with a folder or, as one that is kept elsewhere, without. */
    void version(int number, boolean withFolder) {
        var folder = new Digest("0".repeat(64));
        versions.insert(new ModelVersion(
                new VersionId(PROJECT, MODEL, number),
                ModelVersion.Stage.NONE,
                "",
                ModelVersion.Origin.ofFolder(folder, "test-" + number, "user:ada"),
                withFolder
                        ? new ModelVersion.Contents(
                                Optional.of(folder), new Signature(List.of(), List.of()), Optional.empty())
                        : ModelVersion.Contents.ELSEWHERE,
                ModelVersion.Training.unknown(Optional.empty()),
                Map.of(),
                NOW,
                NOW));
    }
}
