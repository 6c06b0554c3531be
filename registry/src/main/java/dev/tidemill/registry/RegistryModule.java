package dev.tidemill.registry;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.pipelines.domain.StepModule;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.DigestColumn;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.api.ModelRoutes;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelInspector;
import dev.tidemill.registry.domain.ModelTags;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.Registrations;
import dev.tidemill.registry.domain.Trust;
import dev.tidemill.registry.mlflow.FolderInspector;
import dev.tidemill.registry.steps.RegisterStep;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.registry.store.SqlVersionStore;
import java.time.Clock;
import java.util.List;

/** Wires the registry. */
public final class RegistryModule implements StepModule {
    public static final Schema SCHEMA = Schema.of("registry", DigestColumn.folder("version", "folder_digest"));

    private final Models models;
    private final Aliases aliases;
    private final ModelTags tags;
    private final Trust trust;
    private final Registrations registrations;
    private final String codeVersion;

    public RegistryModule(
            Database database,
            EventLog events,
            Clock clock,
            ArtifactTree tree,
            BlobStore blobs,
            LocatedFiles located,
            String codeVersion) {
        var store = new SqlModelStore(database);
        var versions = new SqlVersionStore(database);
        this.models = new Models(store, versions, tree, database, events, clock);
        this.aliases = new Aliases(store, versions, models, database, events);
        this.tags = new ModelTags(store, models, database, events);
        this.trust = new Trust(store, models, database, events);
        this.registrations = new Registrations(
                models, store, versions, tree, located, new FolderInspector(blobs), database, events, clock);
        this.codeVersion = codeVersion;
    }

    /** Looks into model folders; needs no database. */
    public static ModelInspector inspector(BlobStore blobs) {
        return new FolderInspector(blobs);
    }

    public Registrations registrations() {
        return registrations;
    }

    public Models models() {
        return models;
    }

    public Aliases aliases() {
        return aliases;
    }

    public ModelTags tags() {
        return tags;
    }

    public Trust trust() {
        return trust;
    }

    @Override
    public List<Chore> chores() {
        return List.of(new Chore("Folders of deleted model versions", () -> {
            long released = models.releaseDeleted();
            return Chore.told(released > 0, released + " are let go of");
        }));
    }

    @Override
    public List<StepKind> stepKinds() {
        return List.of(new RegisterStep(registrations, codeVersion));
    }

    @Override
    public List<Route> routes() {
        return new ModelRoutes(models, aliases, tags, trust).routes();
    }
}
