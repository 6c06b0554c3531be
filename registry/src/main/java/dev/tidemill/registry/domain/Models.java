package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.retention.ShortUnits;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Models and versions: what there is, what is said of it, its stages, and that nothing in use goes. Thread-safe. */
public final class Models {
    private static final int LONGEST_NAME = 256;

    private final ModelStore store;
    private final VersionStore versions;
    private final ArtifactTree tree;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private volatile ModelUse use = (project, model, version) -> List.of();

    public Models(
            ModelStore store,
            VersionStore versions,
            ArtifactTree tree,
            Transactions transactions,
            EventLog events,
            Clock clock) {
        this.store = store;
        this.versions = versions;
        this.tree = tree;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /** Tells who uses models; until then nobody does. */
    public void knowUse(ModelUse users) {
        use = users;
    }

    /**
     * Keeps a model from being deleted or renamed until the caller's unit of work ends.
     *
     * @throws TidemillException {@code NOT_FOUND}, in MLflow's words
     */
    public void hold(String project, String model) {
        if (!store.hold(project, model)) {
            throw missing(model);
        }
    }

    /** What keeps an alias at a version; see {@link ModelUse#holders}. */
    Map<String, Integer> holders(String project, String model, String alias) {
        return use.holders(project, model, alias);
    }

    private void requireUnused(String project, String model, OptionalInt version, String what) {
        hold(project, model);
        List<String> users = use.users(project, model, version);
        if (!users.isEmpty()) {
            String subject = version.isPresent()
                    ? "Model Version (name=" + model + ", version=" + version.getAsInt() + ")"
                    : "Registered Model (name=" + model + ")";
            throw new TidemillException(
                            ErrorCode.CONFLICT,
                            subject + " cannot be " + what + ": it is used by " + String.join(", ", users))
                    .remedy("Put another version in its place, or delete what uses it, first");
        }
    }

    /** Whether a model is a prompt; prompts are told apart, because those who listen to models do not want them. */
    public boolean isPrompt(String project, String model) {
        return store.findModel(project, model)
                .map(found -> "true".equals(found.tags().get(RegisteredModel.PROMPT_TAG)))
                .orElse(false);
    }

    /** A model as another registry knew it. */
    public record TakenModel(
            String name, String description, Instant createdAt, Instant updatedAt, Map<String, String> tags) {}

    /** Takes in a model; one of its name that is here already stays as it is. */
    public void take(String project, TakenModel told) {
        checkName(told.name());
        told.tags().forEach(ModelTags::check);
        transactions.write(() -> {
            if (store.insertModel(project, told.name(), told.description(), told.createdAt())) {
                store.updateModel(project, told.name(), told.name(), told.description(), told.updatedAt());
                told.tags().forEach((key, value) -> store.putTag(project, told.name(), 0, key, value));
            }
        });
    }

    void touch(RegisteredModel model) {
        store.updateModel(model.project(), model.name(), model.name(), model.description(), clock.instant());
    }

    private static String checkName(String name) {
        if (name.isBlank()) {
            throw TidemillException.invalid("name", "Missing value for required parameter 'name'.");
        }
        if (name.indexOf('/') >= 0 || name.indexOf(':') >= 0) {
            throw TidemillException.invalid(
                    "name", "Invalid model name '" + shortened(name) + "'. Names cannot contain '/' or ':'.");
        }
        boolean bad = name.length() > LONGEST_NAME
                || name.equals(".")
                || name.equals("..")
                || name.chars().anyMatch(c -> c < ' ');
        if (bad) {
            throw TidemillException.invalid(
                    "name",
                    "Invalid model name: '" + shortened(name) + "'. It must have at most " + LONGEST_NAME
                            + " characters, none of them a control character");
        }
        return name;
    }

    static String shortened(String text) {
        return text.length() > 100 ? StorableText.cut(text, 100) + "..." : text;
    }

    /** Creates a model without versions. */
    public RegisteredModel createModel(
            String project, String name, String description, Map<String, String> tags, String actor) {
        checkName(name);
        tags.forEach(ModelTags::check);
        return transactions.write(() -> {
            if (!store.insertModel(project, name, description, clock.instant())) {
                throw taken(name, "true".equals(tags.get(RegisteredModel.PROMPT_TAG)), isPrompt(project, name));
            }
            tags.forEach((key, value) -> store.putTag(project, name, 0, key, value));
            events.append(Event.of(
                    "model.created",
                    project,
                    "model/" + name,
                    actor,
                    Map.of(
                            "model",
                            name,
                            "description",
                            description,
                            "tags",
                            tags,
                            "prompt",
                            "true".equals(tags.get(RegisteredModel.PROMPT_TAG)))));
            return model(project, name);
        });
    }

    /** Models and prompts share their names. */
    private static TidemillException taken(String name, boolean prompt, boolean byPrompt) {
        if (prompt == byPrompt) {
            return prompt
                    ? new TidemillException(ErrorCode.ALREADY_EXISTS, "Prompt (name=" + name + ") already exists.")
                    : taken(name);
        }
        return new TidemillException(
                ErrorCode.ALREADY_EXISTS,
                "Tried to create a " + (prompt ? "prompt" : "registered model") + " with name '" + name
                        + "', but the name is already taken by a " + (byPrompt ? "prompt" : "registered model")
                        + ". MLflow does not allow creating a model and a prompt with the same name.");
    }

    private static TidemillException taken(String name) {
        return new TidemillException(ErrorCode.ALREADY_EXISTS, "Registered Model (name=" + name + ") already exists.");
    }

    /** @throws TidemillException {@code NOT_FOUND}, in MLflow's words */
    public RegisteredModel model(String project, String name) {
        return store.findModel(project, name).orElseThrow(() -> missing(name));
    }

    private static TidemillException missing(String name) {
        return new TidemillException(ErrorCode.NOT_FOUND, "Registered Model with name=" + name + " not found");
    }

    /** Changes name, description or both. */
    public RegisteredModel updateModel(
            String project, String name, Optional<String> newName, Optional<String> description, String actor) {
        newName.ifPresent(Models::checkName);
        return transactions.write(() -> {
            RegisteredModel before = model(project, name);
            String after = newName.orElse(name);
            if (!after.equals(name)) {
                requireUnused(project, name, OptionalInt.empty(), "renamed");
            }
            if (!store.updateModel(project, name, after, description.orElse(before.description()), clock.instant())) {
                throw taken(after);
            }
            if (!after.equals(name)) {
                events.append(Event.of(
                        "model.renamed", project, "model/" + after, actor, Map.of("model", after, "before", name)));
            }
            description
                    .filter(text -> !text.equals(before.description()))
                    .ifPresent(text -> events.append(Event.of(
                            "model.described",
                            project,
                            "model/" + after,
                            actor,
                            Map.of("model", after, "description", text))));
            return model(project, after);
        });
    }

    public void deleteModel(String project, String name, String actor) {
        transactions.write(() -> {
            requireUnused(project, name, OptionalInt.empty(), "deleted");
            tree.releaseFolders(store.deleteModel(project, name));
            events.append(Event.of("model.deleted", project, "model/" + name, actor, Map.of("model", name)));
        });
    }

    /** Of each model the newest version that has files here and is not archived. */
    public List<ModelVersion> newestCallable(String project) {
        return versions.newestCallable(project);
    }

    /** Models that are no prompts, by name, each with its newest version: at most so many, fewer where they hold much. */
    public Page<Catalogued> catalog(String project, Optional<String> token, int size) {
        ModelPage page = ModelPage.parse(token);
        var found = store.searchModels(project, withoutPrompts(List.of()), List.of(), page, size);
        List<String> names = found.items().stream().map(RegisteredModel::name).toList();
        Portion<ModelVersion> read = versions.newest(project, names);
        // Where the versions fill the page, it ends with the last model whose version is on it.
        int fitting = read.more() ? names.indexOf(read.items().getLast().model()) + 1 : names.size();
        Map<String, ModelVersion> newest =
                read.items().stream().collect(Collectors.toMap(ModelVersion::model, Function.identity()));
        return new Page<>(
                found.items().subList(0, fitting).stream()
                        .map(model -> new Catalogued(model, Optional.ofNullable(newest.get(model.name()))))
                        .toList(),
                found.more() || fitting < names.size()
                        ? Optional.of(page.next(fitting, names.get(fitting - 1)))
                        : Optional.empty());
    }

    /** Those of the names that models bear which are no prompts. */
    public Set<String> borne(String project, Set<String> names) {
        return store.borne(project, names);
    }

    /** Names of models that are no prompts, in their order; at most so many. */
    public List<String> names(String project, int limit) {
        return store.names(project, limit);
    }

    /** Models that match; prompts only where the filter asks for them. */
    public Page<RegisteredModel> searchModels(
            String project, String filter, List<String> order, Optional<String> token, int size) {
        var clauses = SearchParser.filter(RegistryKeys.MODELS, filter);
        var orderings = SearchParser.order(RegistryKeys.MODELS, order);
        ModelPage page = ModelPage.parse(token);
        var found = store.searchModels(project, withoutPrompts(clauses), orderings, page, size);
        return new Page<>(
                found.items(),
                found.more()
                        ? Optional.of(page.next(
                                found.items().size(), found.items().getLast().name()))
                        : Optional.empty());
    }

    /** Versions that match; those of prompts only where the filter asks for them. */
    public Page<ModelVersion> searchVersions(
            String project, String filter, List<String> order, Optional<String> token, int size) {
        var clauses = SearchParser.filter(RegistryKeys.VERSIONS, filter);
        var orderings = order.isEmpty() ? RegistryKeys.VERSION_ORDER : SearchParser.order(RegistryKeys.VERSIONS, order);
        long offset = Page.offset(token);
        return Page.of(versions.search(project, withoutPrompts(clauses), orderings, offset, size), offset);
    }

    private static List<Comparison> withoutPrompts(List<Comparison> clauses) {
        boolean asked = clauses.stream().anyMatch(clause -> clause.key().equals(RegisteredModel.PROMPT_TAG));
        if (asked) {
            return clauses;
        }
        var all = new ArrayList<>(clauses);
        all.add(new Comparison(
                RegistryKeys.TAG,
                RegisteredModel.PROMPT_TAG,
                Comparison.Operator.NOT_EQUAL,
                new Comparison.Text("true")));
        return all;
    }

    public Optional<ModelVersion> find(String project, String model, int version) {
        return versions.find(project, model, version);
    }

    public ModelVersion version(String project, String model, int version) {
        return find(project, model, version).orElseThrow(() -> noVersion(model, String.valueOf(version)));
    }

    /** That a model has no such version, in MLflow's words. */
    public static TidemillException noVersion(String model, String version) {
        return new TidemillException(
                ErrorCode.NOT_FOUND, "Model Version (name=" + model + ", version=" + version + ") not found");
    }

    /** The newest thousand, newest first. */
    public List<ModelVersion> versions(String project, String model) {
        return versions.versions(project, model);
    }

    /** The newest version that has files here and is not archived. */
    public Optional<ModelVersion> newestCallable(String project, String model) {
        return versions.newest(project, model, true);
    }

    /** The newest version of each stage, newest first. */
    public List<ModelVersion> newestOfStages(String project, String model) {
        return versions.newestOfStages(project, model);
    }

    public ModelVersion describe(String project, String model, int version, String description, String actor) {
        return transactions.write(() -> {
            ModelVersion before = version(project, model, version);
            versions.update(project, model, version, description, before.stage(), clock.instant());
            if (!description.equals(before.description())) {
                events.append(Event.of(
                        "model.version.described",
                        project,
                        "model/" + before.reference(),
                        actor,
                        Map.of("description", description)));
            }
            return version(project, model, version);
        });
    }

    /** Moves a version to a stage; others in that stage are archived if asked. */
    public ModelVersion moveToStage(
            String project, String model, int version, String label, boolean archiveOthers, String actor) {
        ModelVersion.Stage stage = ModelVersion.Stage.ofLabel(label)
                .orElseThrow(() -> TidemillException.invalid(
                        "stage",
                        "Invalid Model Version stage: " + label
                                + ". Value must be one of None, Staging, Production, Archived."));
        boolean exclusive = stage == ModelVersion.Stage.STAGING || stage == ModelVersion.Stage.PRODUCTION;
        if (archiveOthers && !exclusive) {
            throw TidemillException.invalid(
                    "archive_existing_versions",
                    "Model version transition cannot archive existing model versions because '" + stage.label()
                            + "' is not an Active stage. Valid stages are Staging, Production");
        }
        return transactions.write(() -> {
            ModelVersion moved = version(project, model, version);
            if (archiveOthers) {
                versions.archiveOthers(project, model, version, stage, clock.instant());
            }
            setStage(moved, stage);
            touch(model(project, model));
            events.append(Event.of(
                    "model.version." + (stage == ModelVersion.Stage.ARCHIVED ? "archived" : "stage-changed"),
                    project,
                    "model/" + moved.reference(),
                    actor,
                    Map.of("stage", stage.label())));
            return version(project, model, version);
        });
    }

    private void setStage(ModelVersion version, ModelVersion.Stage stage) {
        versions.update(
                version.project(), version.model(), version.version(), version.description(), stage, clock.instant());
    }

    /** Takes a version out of use; it stays readable. */
    public void archive(String project, String model, int version, String actor) {
        moveToStage(project, model, version, ModelVersion.Stage.ARCHIVED.label(), false, actor);
    }

    /** Takes an archived version into use again. */
    public void bringBack(String project, String model, int version, String actor) {
        moveToStage(project, model, version, ModelVersion.Stage.NONE.label(), false, actor);
    }

    public void deleteVersion(String project, String model, int version, String actor) {
        transactions.write(() -> {
            ModelVersion gone = version(project, model, version);
            requireUnused(project, model, OptionalInt.of(version), "deleted");
            versions.delete(project, model, version, clock.instant());
            tree.releaseFolders(gone.folder().stream().toList());
            touch(model(project, model));
            events.append(Event.of("model.version.deleted", project, "model/" + gone.reference(), actor, Map.of()));
        });
    }

    /** Lets go of folders that deleted versions still name, in short units of work; gives how many there were. */
    public long releaseDeleted() {
        return ShortUnits.delete(batch -> {
            Set<Digest> folders = versions.foldersOfDeleted(batch);
            transactions.write(() -> {
                versions.forgetFolders(folders);
                tree.releaseFolders(folders);
            });
            return folders.size();
        });
    }

    /** Those of the steps, as {@code RUN/STEP}, that made a version of any project. */
    public Set<String> makers(Collection<String> steps) {
        return versions.makers(steps);
    }
}
