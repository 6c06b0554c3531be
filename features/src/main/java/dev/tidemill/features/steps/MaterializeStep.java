package dev.tidemill.features.steps;

import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.datasets.domain.TableFormat;
import dev.tidemill.features.domain.FeatureView;
import dev.tidemill.features.domain.FeatureViews;
import dev.tidemill.features.domain.LabelledRows;
import dev.tidemill.features.domain.WrittenView;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepDraft;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.definitions.Suggestions;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * {@code features.materialize}: computes a view over a data set version, adds the labelled rows that a deployment has served
 * since, keeps one window of event time, and makes the result a version of the data set named like the view.
 */
public final class MaterializeStep implements StepKind {
    private static final String KIND = "FeatureView/";

    private final FeatureViews views;
    private final DataSets dataSets;
    private final QueryEngine engine;
    private final LabelledRows journal;
    private final FairTurns turns;

    /** @param turns at computations that people wait for */
    public MaterializeStep(
            FeatureViews views, DataSets dataSets, QueryEngine engine, LabelledRows journal, FairTurns turns) {
        this.turns = turns;
        this.views = views;
        this.dataSets = dataSets;
        this.engine = engine;
        this.journal = journal;
    }

    @Override
    public String name() {
        return "features.materialize";
    }

    @Override
    public Inputs inputs() {
        return new Inputs(Set.of("view", "version"), Set.of("until", "window", "served-by"));
    }

    @Override
    public void check(StepDraft step) {
        for (String view : step.texts("view")) {
            if (view(step, view).isPresent()) {
                continue;
            }
            var known = new TreeSet<String>();
            views.list(step.project()).forEach(named -> known.add(named.name()));
            step.others().keySet().stream()
                    .filter(other -> other.startsWith(KIND))
                    .forEach(other -> known.add(other.substring(KIND.length())));
            throw new TidemillException(
                            ErrorCode.INVALID_DEFINITION,
                            "There is no feature view '" + view + "'"
                                    + Suggestions.nearest(view, known)
                                            .map(nearest -> "; did you mean '" + nearest + "'?")
                                            .orElse(known.isEmpty() ? "" : "; there are " + known))
                    .remedy("Name one that is applied before, or apply it together with the pipeline");
        }
    }

    private Optional<FeatureView> view(StepDraft step, String name) {
        return step.others().get(KIND + name) instanceof WrittenView written
                ? Optional.of(written.view())
                : views.find(step.project(), name);
    }

    /** The view gives the same columns of whatever version it reads. */
    @Override
    public Optional<List<String>> columns(StepDraft step) {
        List<String> names = step.texts("view");
        return names.size() == 1 ? view(step, names.getFirst()).flatMap(view -> columns(step, view)) : Optional.empty();
    }

    private Optional<List<String>> columns(StepDraft step, FeatureView view) {
        return dataSets.written(step.others(), step.project(), view.source())
                .flatMap(dataSet -> columns(step.project(), view, dataSet));
    }

    /** Not known while the engine has no turn or no answer: the run will tell. */
    private Optional<List<String>> columns(String project, FeatureView view, DataSet dataSet) {
        try {
            return turns.run(project, () -> views.columns(view, dataSet));
        } catch (TidemillException e) {
            if (e.code() == ErrorCode.INVALID_DEFINITION) {
                throw e;
            }
            return Optional.empty();
        }
    }

    @Override
    public Map<String, Object> run(StepContext context) {
        String name = context.text("view");
        FeatureView view = views.view(context.project(), name);
        DataSetVersion source = dataSets.version(context.project(), context.text("version"));
        Optional<DataSetVersion> earlier = dataSets.findMadeBy(context.project(), name, context.key());
        if (earlier.isPresent()) {
            return outputs(earlier.get());
        }
        Optional<Instant> until = context.instant("until");
        Optional<Instant> from = context.duration("window").flatMap(window -> until.map(end -> end.minus(window)));
        Optional<Path> served = context.optionalText("served-by")
                .flatMap(deployment -> write(taker -> journal.forEach(
                        context.project(),
                        deployment,
                        view,
                        from.orElse(Instant.EPOCH),
                        until.orElse(Instant.ofEpochMilli(Long.MAX_VALUE)),
                        taker)));
        try {
            Path target = dataSets.newFile(context.project(), name);
            QueryEngine.Written written = engine.query(
                    new QueryEngine.Query(
                            dataSets.files(source), view.sql(), served, Optional.of(view.time()), from, until),
                    target,
                    context::log,
                    context.timeout());
            return outputs(dataSets.commit(
                    context.project(),
                    name,
                    new DataSets.Contents(
                            written.columns(),
                            new TableFormat.NewFile(target, written.rows(), written.bytes()),
                            written.digest(),
                            written.summary(),
                            List.of(source.reference())),
                    context.key(),
                    context.actor()));
        } finally {
            served.ifPresent(MaterializeStep::deleteQuietly);
        }
    }

    /** Writes the rows that a source gives as lines of JSON; nothing where it gives none. */
    private static Optional<Path> write(Consumer<Consumer<Map<String, Object>>> source) {
        try {
            Path file = Files.createTempFile("served", ".ndjson");
            try (var lines = new PrintWriter(Files.newBufferedWriter(file))) {
                source.accept(row -> lines.println(Json.write(row)));
                if (lines.checkError()) {
                    throw new IOException("The served rows could not be written to " + file);
                }
            } catch (RuntimeException | IOException e) {
                deleteQuietly(file);
                throw e;
            }
            boolean some = Files.size(file) > 0;
            if (!some) {
                deleteQuietly(file);
            }
            return some ? Optional.of(file) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            file.toFile().deleteOnExit();
        }
    }

    private static Map<String, Object> outputs(DataSetVersion version) {
        return Map.of("version", version.reference(), "rows", version.rows(), "digest", version.digest());
    }
}
