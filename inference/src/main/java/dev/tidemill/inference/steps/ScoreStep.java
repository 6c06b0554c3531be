package dev.tidemill.inference.steps;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSetStore;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.datasets.domain.TableFormat;
import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.ModelHandle;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * {@code inference.score}: predicts every row of a data set version with a model version, and makes the rows with their
 * predictions the next version of another data set. Parts of the rows are predicted side by side; a part that is done stays
 * done, so that an attempt after a crash goes on where the last one was.
 */
public final class ScoreStep implements StepKind {
    static final int PART = 10_000;
    private static final int TRIES_WHEN_BUSY = 20;
    private static final Duration PAUSE_WHEN_BUSY = Duration.ofSeconds(1);
    private static final TypeReference<List<@Nullable Object>> ROW = new TypeReference<>() {};

    private final DataSets dataSets;
    private final QueryEngine engine;
    private final ModelCatalog catalog;
    private final ModelLoader loader;
    private final Path scratch;

    /** @param scratch folder for what is under way */
    public ScoreStep(DataSets dataSets, QueryEngine engine, ModelCatalog catalog, ModelLoader loader, Path scratch) {
        this.dataSets = dataSets;
        this.engine = engine;
        this.catalog = catalog;
        this.loader = loader;
        this.scratch = scratch;
    }

    @Override
    public String name() {
        return "inference.score";
    }

    @Override
    public Inputs inputs() {
        return new Inputs(Set.of("model", "data", "output"), Set.of("version", "prefix"));
    }

    @Override
    public Map<String, Object> run(StepContext context) throws InterruptedException {
        String output = context.text("output");
        Optional<DataSetVersion> earlier = dataSets.findMadeBy(context.project(), output, context.key());
        if (earlier.isPresent()) {
            return outputs(earlier.get());
        }
        DataSetVersion data = dataSets.version(context.project(), context.text("data"));
        ServedVersion model = catalog.find(
                        context.project(),
                        context.text("model"),
                        context.optionalText("version").filter(text -> !text.isBlank()))
                .orElseThrow(() -> TidemillException.notFound("model version", context.text("model")));
        String prefix = context.optionalText("prefix").orElse("");
        Path folder =
                scratch.resolve(Ids.sha256(context.key() + "\n" + model.folder() + "\n" + data.digest() + prefix));
        List<Path> files = dataSets.files(data);
        var parts = new Parts(folder, split(files, folder, context));
        context.log("Scoring " + data.reference() + ", " + data.rows() + " rows in " + parts.count + " parts, with "
                + model.reference());
        if (data.rows() == 0) {
            throw new TidemillException(ErrorCode.CHECK_FAILED, data.reference() + " has no rows to score");
        }
        try (ModelHandle handle = loader.acquire(model)) {
            predict(parts, handle, prefix, data, context);
        }
        DataSetVersion made = write(context, data, model, parts, files);
        FileTrees.delete(folder);
        return outputs(made);
    }

    private QueryEngine.Split split(List<Path> files, Path folder, StepContext context) {
        try {
            Files.createDirectories(folder);
            Path done = folder.resolve("split.json");
            if (!Files.exists(done)) {
                QueryEngine.Split split = engine.split(files, PART, folder, context.timeout());
                whole(done, Json.write(split));
                return split;
            }
            context.log("Going on with what an earlier attempt has done");
            return Json.read(Files.readString(done), QueryEngine.Split.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where the parts of the rows and of their predictions lie. */
    private static final class Parts {
        private final Path folder;
        private final QueryEngine.Split split;
        private final int count;

        private Parts(Path folder, QueryEngine.Split split) {
            this.folder = folder;
            this.split = split;
            this.count = (int) ((split.rows() + PART - 1) / PART);
        }

        private Path rows(int part) {
            return folder.resolve("rows-%06d.json".formatted(part));
        }

        private Path scores(int part) {
            return folder.resolve("scores-%06d.json".formatted(part));
        }

        private Path columns() {
            return folder.resolve("columns.json");
        }

        private long size(int part) {
            return Math.min(PART, split.rows() - (long) part * PART);
        }
    }

    private static void predict(
            Parts parts, ModelHandle handle, String prefix, DataSetVersion data, StepContext context)
            throws InterruptedException {
        var done = new AtomicLong();
        context.progress(0, data.rows());
        SideBySide.each(parts.count, Runtime.getRuntime().availableProcessors(), (part, call) -> {
            if (!Files.exists(parts.scores(part))) {
                predict(parts, part, handle, prefix, data, call);
            }
            context.progress(done.addAndGet(parts.size(part)), data.rows());
        });
    }

    private static void predict(
            Parts parts, int part, ModelHandle handle, String prefix, DataSetVersion data, CallContext call)
            throws IOException, InterruptedException {
        List<Tensor> outputs;
        try {
            outputs = answered(handle, InputBinding.fit(handle.model().inputs(), read(parts, part)), call);
        } catch (TidemillException e) {
            long first = (long) part * PART;
            throw new TidemillException(
                            e.code(),
                            "Rows " + (first + 1) + " to " + (first + parts.size(part)) + " of " + data.reference()
                                    + " are refused: " + e.getMessage())
                    .causedBy(e);
        }
        List<Column> columns = ScoredColumns.of(outputs, handle.model().classes(), prefix);
        List<String> taken = parts.split.columns().stream().map(Column::name).toList();
        for (Column column : columns) {
            if (taken.contains(column.name())) {
                throw TidemillException.invalid(
                                "prefix", data.reference() + " has a column '" + column.name() + "' already")
                        .remedy("Give the predictions a prefix, such as 'scored_'");
            }
        }
        Path aside = Files.createTempFile(parts.folder, "part", ".json");
        try (JsonGenerator json = Json.objectMapper().createGenerator(Files.newOutputStream(aside))) {
            ScoredColumns.write(json, columns, outputs);
        }
        whole(parts.columns(), Json.write(columns));
        Files.move(aside, parts.scores(part), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static List<Tensor> read(Parts parts, int part) throws IOException {
        List<Column> columns = parts.split.columns();
        List<List<@Nullable Object>> values = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            values.add(new ArrayList<>());
        }
        try (JsonParser json = Json.objectMapper().createParser(parts.rows(part).toFile())) {
            while (json.nextToken() != null) {
                List<@Nullable Object> row = json.readValueAs(ROW);
                for (int i = 0; i < columns.size(); i++) {
                    values.get(i).add(row.get(i));
                }
            }
        }
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            tensors.add(ColumnValues.column(columns.get(i).name(), Collections.unmodifiableList(values.get(i))));
        }
        return tensors;
    }

    /** Those who wait for an answer go first: a model that is busy with them is asked again later. */
    private static List<Tensor> answered(ModelHandle handle, List<Tensor> inputs, CallContext call)
            throws InterruptedException {
        for (int i = 1; ; i++) {
            try {
                handle.requireInService();
                return handle.model().predict(inputs, call);
            } catch (TidemillException e) {
                if (e.code() != ErrorCode.UNAVAILABLE || i == TRIES_WHEN_BUSY) {
                    throw e;
                }
                Thread.sleep(PAUSE_WHEN_BUSY);
            }
        }
    }

    private DataSetVersion write(
            StepContext context, DataSetVersion data, ServedVersion model, Parts parts, List<Path> files) {
        String name = context.text("output");
        List<Column> added;
        Path scores = parts.folder.resolve("scores.json");
        try (OutputStream all = Files.newOutputStream(scores)) {
            for (int i = 0; i < parts.count; i++) {
                Files.copy(parts.scores(i), all);
            }
            added = Json.objectMapper().readerForListOf(Column.class).readValue(Files.readString(parts.columns()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<Column> columns = new ArrayList<>(parts.split.columns());
        columns.addAll(added);
        Optional<DataSet> source = dataSets.list(context.project()).stream()
                .filter(one -> one.name().equals(data.dataSet()))
                .map(DataSetStore.Named::definition)
                .findFirst();
        dataSets.define(
                context.project(),
                name,
                new DataSet(
                        Optional.empty(),
                        columns,
                        source.map(DataSet::key).orElse(List.of()),
                        source.flatMap(DataSet::time)));
        Path target = dataSets.newFile(context.project(), name);
        QueryEngine.Written written = engine.attach(files, scores, added, target, context::log, context.timeout());
        return dataSets.commit(
                context.project(),
                name,
                new DataSets.Contents(
                        columns,
                        new TableFormat.NewFile(target, written.rows(), written.bytes()),
                        written.digest(),
                        written.summary(),
                        List.of(data.reference(), "model/" + model.reference())),
                context.key(),
                context.actor());
    }

    private static void whole(Path target, String text) throws IOException {
        Path aside = Files.createTempFile(target.getParent(), "new", ".json");
        Files.writeString(aside, text);
        Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static Map<String, Object> outputs(DataSetVersion version) {
        return Map.of("version", version.reference(), "rows", version.rows(), "digest", version.digest());
    }
}
