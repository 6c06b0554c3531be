package dev.tidemill.wires.mlflow.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.RegisteredModel;
import dev.tidemill.registry.domain.Registrations;
import dev.tidemill.tracking.domain.LoggedModel;
import dev.tidemill.tracking.domain.LoggedModels;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.Tracking;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What MLflow's URIs of model sources mean: a path, a run's artifacts, a logged model, or a version that is copied. */
final class MlflowModelSources {
    private static final Pattern RUN_SOURCE = Pattern.compile("runs:/([0-9a-f]{32})/(.+?)/?");
    private static final Pattern ANY_RUN_SOURCE = Pattern.compile("runs:/+([^/]+)(?:/.*)?");
    private static final Pattern NAMED = Pattern.compile("models:/([^/@]+)/([^/@]+)");
    private static final Pattern ALIASED = Pattern.compile("models:/([^/]+)@([^/@]+)");
    private static final Pattern LOGGED = Pattern.compile("models:/(m-[^/]*)/?");

    /** Tag of a logged model: the versions that were made of it, as a JSON list. */
    private static final String VERSIONS_TAG = "mlflow.modelVersions";

    private final Models models;
    private final Aliases aliases;
    private final LoggedModels logged;
    private final Tracking tracking;

    MlflowModelSources(Models models, Aliases aliases, LoggedModels logged, Tracking tracking) {
        this.models = models;
        this.aliases = aliases;
        this.logged = logged;
        this.tracking = tracking;
    }

    /** What a client says of a version that it makes. */
    record Told(
            String source,
            Optional<String> run,
            Optional<String> model,
            String runLink,
            String description,
            Map<String, String> tags) {}

    /**
     * The claim with its source resolved, so that the version loads though the one that it copies is deleted.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for a source that may not be named, {@code NOT_FOUND} for a version that
     *     is not there
     */
    Registrations.Claim claim(String project, Told told) {
        if (ArtifactLocations.climbs(told.source())) {
            throw invalid(
                    told.source(),
                    "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri,"
                            + " an absolute path must be provided without relative path references present. Please"
                            + " provide an absolute path.");
        }
        ArtifactLocations.require("source", told.source());
        Optional<ModelVersion> copied = prompt(told) ? Optional.empty() : named(project, told.source());
        return copied.isPresent() ? copy(told, copied.get()) : original(project, told);
    }

    private static TidemillException invalid(String source, String why) {
        return TidemillException.invalid("source", "Invalid model version source: '" + source + "'. " + why);
    }

    private static boolean prompt(Told told) {
        return told.tags().containsKey(RegisteredModel.PROMPT_TAG);
    }

    private Registrations.Claim copy(Told told, ModelVersion from) {
        if (differs(told.run(), from.training().run())
                || differs(told.model(), from.origin().loggedModel())) {
            throw invalid(
                    told.source(),
                    "The run_id and model_id request parameters must match the referenced model version.");
        }
        return new Registrations.Claim(
                "models:/" + from.reference(),
                location(from),
                from.training().run(),
                told.runLink(),
                from.origin().loggedModel(),
                List.of(),
                told.description(),
                told.tags());
    }

    private static boolean differs(Optional<String> told, Optional<String> known) {
        return told.isPresent() && !told.equals(known);
    }

    private Registrations.Claim original(String project, Told told) {
        String source = told.source();
        Optional<String> model = told.model().or(() -> loggedModel(source));
        Optional<LoggedModel> made = model.flatMap(id -> logged.find(project, id));
        Optional<String> run =
                told.run().or(() -> made.map(LoggedModel::sourceRun).filter(id -> !id.isEmpty()));
        String location = made.filter(found -> source.startsWith("models:/"))
                .map(LoggedModel::artifacts)
                .or(() -> insideRun(project, source))
                .orElse(source);
        if (!prompt(told)) {
            // A prompt is its tags; its source is a word that names nothing.
            check(project, source, location, run, made);
        }
        return new Registrations.Claim(
                source,
                location,
                run,
                told.runLink(),
                model,
                home(project, run, made),
                told.description(),
                told.tags());
    }

    /** The version that {@code models:/NAME/VERSION}, {@code /STAGE}, {@code /latest} or {@code @ALIAS} names. */
    private Optional<ModelVersion> named(String project, String source) {
        Matcher aliased = ALIASED.matcher(source);
        if (aliased.matches()) {
            return Optional.of(aliases.version(project, aliased.group(1), aliased.group(2)));
        }
        Matcher named = NAMED.matcher(source);
        if (!named.matches()) {
            return Optional.empty();
        }
        String name = named.group(1);
        String which = named.group(2);
        if (models.isPrompt(project, name)) {
            throw invalid(source, "Prompt versions cannot be used as model version sources.");
        }
        models.model(project, name);
        if (which.matches("[0-9]{1,9}")) {
            return Optional.of(models.version(project, name, Integer.parseInt(which)));
        }
        if (which.equalsIgnoreCase(Aliases.LATEST)) {
            return Optional.of(aliases.version(project, name, which));
        }
        return Optional.of(models.newestOfStages(project, name).stream()
                .filter(version -> version.stage().label().equalsIgnoreCase(which))
                .findFirst()
                .orElseThrow(() -> new TidemillException(
                        ErrorCode.NOT_FOUND,
                        "No versions of model with name '" + name + "' and stage '" + which + "' found")));
    }

    /** Where the run and the logged model that are named keep their files. */
    private List<String> home(String project, Optional<String> run, Optional<LoggedModel> model) {
        return Stream.concat(
                        model.map(LoggedModel::artifacts).stream(),
                        run
                                .filter(id -> !id.isEmpty())
                                .flatMap(id -> tracking.findInfo(project, new RunId(id)))
                                .map(found -> found.artifacts())
                                .stream())
                .toList();
    }

    /** Where {@code runs:/RUN/PATH} lies. */
    private Optional<String> insideRun(String project, String source) {
        Matcher parts = RUN_SOURCE.matcher(source);
        return parts.matches()
                ? tracking.findInfo(project, new RunId(parts.group(1)))
                        .map(run -> run.artifacts() + "/" + parts.group(2))
                : Optional.empty();
    }

    private static Optional<String> loggedModel(String source) {
        Matcher parts = LOGGED.matcher(source);
        return parts.matches() ? Optional.of(parts.group(1)) : Optional.empty();
    }

    /** A path of this machine is taken only inside the artifacts of the run or model that is named. */
    private void check(
            String project, String source, String location, Optional<String> run, Optional<LoggedModel> model) {
        if (loggedModel(source).isPresent()) {
            if (model.isEmpty()) {
                throw invalid(
                        source, "The model_id request parameter must identify the resource that contains the source.");
            }
            return;
        }
        Matcher ofRun = ANY_RUN_SOURCE.matcher(source);
        if (ofRun.matches()) {
            String named = ofRun.group(1);
            // Old clients do not tell the run apart; then it has to be there.
            boolean known = run.map(named::equals)
                    .orElseGet(
                            () -> tracking.findInfo(project, new RunId(named)).isPresent());
            if (!known) {
                throw invalid(
                        source, "The run_id request parameter must identify the resource that contains the source.");
            }
            return;
        }
        boolean local =
                !source.matches("(?s)^[A-Za-z][A-Za-z0-9+.-]+:.*") || source.regionMatches(true, 0, "file:", 0, 5);
        if (!local) {
            return;
        }
        Optional<String> root = run.map(
                        id -> tracking.info(project, new RunId(id)).artifacts())
                .or(() -> model.map(LoggedModel::artifacts));
        if (root.isEmpty() || !inside(location, root.get())) {
            throw invalid(
                    source,
                    "To use a local path as a model version source, the run_id request parameter has to be specified and the"
                            + " local path has to be contained within the artifact directory of the run specified by the"
                            + " run_id.");
        }
    }

    private static boolean inside(String path, String root) {
        String a = path.replaceFirst("(?i)^file:(//)?", "");
        String b = root.replaceFirst("(?i)^file:(//)?", "");
        return !root.startsWith(ArtifactLocations.OWN) && (a.equals(b) || a.startsWith(b + "/"));
    }

    /** Notes with the logged model that a version was made of it, in the tag that MLflow's pages read. */
    void mark(ModelVersion version) {
        version.origin()
                .loggedModel()
                .flatMap(id -> logged.find(version.project(), id))
                .ifPresent(model -> {
                    ArrayNode versions = Json.array();
                    String known = model.tags().getOrDefault(VERSIONS_TAG, "");
                    if (known.startsWith("[")) {
                        Json.read(known).forEach(versions::add);
                    }
                    versions.addObject().put("name", version.model()).put("version", version.version());
                    logged.putTags(version.project(), model.id(), Map.of(VERSIONS_TAG, Json.write(versions)));
                });
    }

    /**
     * Where clients fetch a version's files.
     *
     * @throws TidemillException {@code NOT_FOUND} if it has none
     */
    String location(ModelVersion version) {
        String uri = version.folder()
                .map(folder -> ArtifactLocations.OWN + ArtifactTree.FOLDERS + "/" + folder)
                .or(() -> version.origin()
                        .loggedModel()
                        .flatMap(id -> logged.find(version.project(), id))
                        .map(LoggedModel::artifacts))
                .orElse(
                        version.origin().location().isEmpty()
                                ? version.origin().source()
                                : version.origin().location());
        if (uri.isEmpty()) {
            throw new TidemillException(ErrorCode.NOT_FOUND, "The version has no files");
        }
        return uri;
    }
}
