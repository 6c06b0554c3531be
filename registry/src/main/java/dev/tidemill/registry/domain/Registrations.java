package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.Names;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** How versions come into being: from a pipeline, from a client, from another registry. Thread-safe. */
public final class Registrations {
    /** How the name of what made a version begins, if an import did. */
    private static final String IMPORT = "import/";

    private final Models models;
    private final ModelStore store;
    private final VersionStore versions;
    private final ArtifactTree tree;
    private final LocatedFiles located;
    private final ModelInspector inspector;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;

    public Registrations(
            Models models,
            ModelStore store,
            VersionStore versions,
            ArtifactTree tree,
            LocatedFiles located,
            ModelInspector inspector,
            Transactions transactions,
            EventLog events,
            Clock clock) {
        this.models = models;
        this.store = store;
        this.versions = versions;
        this.tree = tree;
        this.located = located;
        this.inspector = inspector;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /** What a new version is made of. */
    public record Candidate(Digest folder, Signature signature, ModelVersion.Training training) {}

    /**
     * Registers a version of a folder that is stored already; the same maker a second time gets the version it made.
     *
     * @throws TidemillException {@code NOT_FOUND} if the project does not have the folder with all of its files, or has it no more
     */
    public ModelVersion register(String project, String model, Candidate candidate, String madeBy, String actor) {
        return prepare(project, model, candidate).register(madeBy, actor);
    }

    /** A version whose folder has been looked at, and which may be registered within a unit of work. */
    @FunctionalInterface
    public interface Prepared {
        /** @throws TidemillException as {@link Registrations#register} */
        ModelVersion register(String madeBy, String actor);
    }

    /** Looks at a version's folder, outside of any unit of work: pickles may be large, and the store elsewhere. */
    public Prepared prepare(String project, String model, Candidate candidate) {
        Names.require("model", model);
        Optional<Folder> folder = tree.folder(candidate.folder());
        Optional<ModelFiles> files = folder.map(inspector::inspect);
        ArtifactTree.Claim looked = folder.map(stored -> tree.look(project, stored))
                .orElseGet(() -> tree.look(project, Set.of(candidate.folder())));
        return (madeBy, actor) -> register(project, model, candidate, files, looked, madeBy, actor);
    }

    private ModelVersion register(
            String project,
            String model,
            Candidate candidate,
            Optional<ModelFiles> files,
            ArtifactTree.Claim looked,
            String madeBy,
            String actor) {
        return transactions.write(() -> {
            Optional<ModelVersion> earlier = versions.findMadeBy(project, model, madeBy);
            if (earlier.isPresent()) {
                return earlier.get();
            }
            tree.claim(looked);
            store.insertModel(project, model, "", clock.instant());
            Instant now = clock.instant();
            var version = new ModelVersion(
                    new VersionId(project, model, versions.newestNumber(project, model) + 1),
                    ModelVersion.Stage.NONE,
                    "",
                    ModelVersion.Origin.ofFolder(candidate.folder(), madeBy, actor),
                    new ModelVersion.Contents(Optional.of(candidate.folder()), candidate.signature(), files),
                    candidate.training(),
                    Map.of(),
                    now,
                    now);
            versions.insert(version);
            models.touch(models.model(project, model));
            Event event = registered(version, actor).withCause("pipeline-run/" + madeBy);
            events.append(candidate.training().dataUntil().map(event::at).orElse(event));
            return version;
        });
    }

    /**
     * What a client says of a version that it registers.
     *
     * @param source URI of its files
     * @param location where those files are, once {@code models:/} and the like are resolved
     * @param home where the named run and logged model keep their files: outside our own store only these are read
     */
    public record Claim(
            String source,
            String location,
            Optional<String> run,
            String runLink,
            Optional<String> loggedModel,
            List<String> home,
            String description,
            Map<String, String> tags) {}

    /** Registers a version from where a client has put it; files that are kept here become an immutable folder. */
    public ModelVersion create(String project, String model, Claim claim, String actor) {
        ArtifactLocations.require("source", claim.source());
        claim.tags().forEach(ModelTags::check);
        Optional<Folder> frozen = located.freeze(project, claim.location(), claim.home());
        // Before the transaction: pickles may be large.
        Optional<ModelFiles> files = frozen.map(inspector::inspect);
        Optional<ArtifactTree.Claim> looked = frozen.map(folder -> tree.look(project, folder));
        return transactions.write(() -> {
            RegisteredModel registered = models.model(project, model);
            looked.ifPresent(tree::claim);
            Instant now = clock.instant();
            var told = new TakenVersion(
                    model, versions.newestNumber(project, model) + 1, ModelVersion.Stage.NONE, claim, now, now);
            insert(project, told, "request/" + Ids.next(), actor, frozen.map(Folder::digest), files);
            models.touch(registered);
            ModelVersion made = models.version(project, model, told.version());
            events.append(registered(made, actor));
            return made;
        });
    }

    /** A version as another registry knew it. */
    public record TakenVersion(
            String model, int version, ModelVersion.Stage stage, Claim claim, Instant createdAt, Instant updatedAt) {}

    /**
     * What has become of a version that was taken in.
     *
     * @param fresh whether it is here since now
     * @param files whether its files are here
     */
    public record Taking(boolean fresh, boolean files) {}

    /**
     * Takes in a version under its own number. Of one that is here, nothing changes; but where an import has taken it from the same
     * source without its files, it gets them.
     */
    public Taking take(String project, TakenVersion told, String actor) {
        Claim claim = told.claim();
        claim.tags().forEach(ModelTags::check);
        if (told.version() < 1) {
            throw TidemillException.invalid("version", "'" + told.version() + "' is not a version number");
        }
        Optional<Folder> frozen = located.freeze(project, claim.location(), claim.home());
        Optional<ModelFiles> files = frozen.map(inspector::inspect);
        Optional<ArtifactTree.Claim> looked = frozen.map(folder -> tree.look(project, folder));
        return transactions.write(() -> {
            models.model(project, told.model());
            Optional<ModelVersion> here = versions.find(project, told.model(), told.version());
            if (here.isPresent()) {
                boolean filled = frozen.filter(folder ->
                                fill(here.get(), told, folder, looked.orElseThrow(), files.orElseThrow(), actor))
                        .isPresent();
                return new Taking(false, filled || here.get().folder().isPresent());
            }
            looked.ifPresent(tree::claim);
            insert(project, told, IMPORT + told.version(), actor, frozen.map(Folder::digest), files);
            events.append(registered(models.version(project, told.model(), told.version()), actor));
            return new Taking(true, frozen.isPresent());
        });
    }

    /** Gives a version the files that an earlier import of it did not find; false if it is not for this import to do. */
    private boolean fill(
            ModelVersion here,
            TakenVersion told,
            Folder folder,
            ArtifactTree.Claim looked,
            ModelFiles files,
            String actor) {
        if (here.folder().isPresent()
                || !here.origin().madeBy().startsWith(IMPORT)
                || !here.origin().source().equals(told.claim().source())) {
            return false;
        }
        tree.claim(looked);
        var signature = files.signature().orElse(new Signature(List.of(), List.of()));
        if (!versions.fill(here.project(), here.model(), here.version(), folder.digest(), signature, files)) {
            return false;
        }
        events.append(Event.of(
                        "model.version.files-taken",
                        here.project(),
                        "model/" + here.reference(),
                        actor,
                        Map.of("model", here.model(), "version", here.version()))
                .withDigest(folder.digest().value()));
        return true;
    }

    private void insert(
            String project,
            TakenVersion told,
            String madeBy,
            String actor,
            Optional<Digest> folder,
            Optional<ModelFiles> files) {
        Claim claim = told.claim();
        versions.insert(new ModelVersion(
                new VersionId(project, told.model(), told.version()),
                told.stage(),
                claim.description(),
                new ModelVersion.Origin(
                        claim.source(),
                        claim.source().startsWith("models:/") && folder.isEmpty() ? claim.location() : "",
                        claim.runLink(),
                        claim.loggedModel(),
                        madeBy,
                        actor),
                new ModelVersion.Contents(
                        folder,
                        files.flatMap(ModelFiles::signature).orElse(new Signature(List.of(), List.of())),
                        files),
                ModelVersion.Training.unknown(claim.run()),
                Map.of(),
                told.createdAt(),
                told.updatedAt()));
        claim.tags().forEach((name, value) -> store.putTag(project, told.model(), told.version(), name, value));
    }

    private Event registered(ModelVersion version, String actor) {
        Event event = Event.of(
                "model.version.registered",
                version.project(),
                "model/" + version.reference(),
                actor,
                Map.of(
                        "model", version.model(),
                        "version", version.version(),
                        "metrics", version.training().metrics(),
                        "source", version.origin().source(),
                        "run", version.training().run().orElse(""),
                        "description", version.description(),
                        "tags", version.tags(),
                        "prompt", models.isPrompt(version.project(), version.model())));
        return version.folder().map(folder -> event.withDigest(folder.value())).orElse(event);
    }
}
