package dev.tidemill.datasets.steps;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.ImportReference;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.datasets.domain.TableFormat;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepDraft;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** {@code dataset.import}: imports a data set's source as a new version, if the newest is not from that very source. */
public final class ImportStep implements StepKind {
    private final DataSets dataSets;
    private final QueryEngine engine;
    private final BlobStore blobs;

    public ImportStep(DataSets dataSets, QueryEngine engine, BlobStore blobs) {
        this.dataSets = dataSets;
        this.engine = engine;
        this.blobs = blobs;
    }

    @Override
    public String name() {
        return "dataset.import";
    }

    @Override
    public Inputs inputs() {
        return new Inputs(Set.of("data-set"), Set.of());
    }

    /** What is imported has the columns of the definition. */
    @Override
    public Optional<List<String>> columns(StepDraft step) {
        List<String> names = step.texts("data-set");
        return names.size() == 1
                ? dataSets.written(step.others(), step.project(), names.getFirst())
                        .map(dataSet ->
                                dataSet.columns().stream().map(Column::name).toList())
                : Optional.empty();
    }

    @Override
    public Map<String, Object> run(StepContext context) {
        String name = context.text("data-set");
        DataSet dataSet = dataSets.dataSet(context.project(), name);
        DataSet.Source source = dataSet.source()
                .orElseThrow(() -> new TidemillException(
                                ErrorCode.FAILED_PRECONDITION, "Data set '" + name + "' has no source to import")
                        .remedy("Give it a 'source' in its definition"));
        String reference = ImportReference.of(dataSet);
        for (DataSetVersion version : dataSets.versions(context.project(), name)) {
            if (version.sources().contains(reference)) {
                context.log(source.path() + " is imported already, as " + version.reference()
                        + "; if the file has changed since the project was applied, apply it again");
                return outputs(version);
            }
        }
        Path target = dataSets.newFile(context.project(), name);
        QueryEngine.Written written = engine.importCsv(
                blobs.localFile(new Digest(source.blob())), dataSet, target, context::log, context.timeout());
        return outputs(dataSets.commit(
                context.project(),
                name,
                new DataSets.Contents(
                        dataSet.columns(),
                        new TableFormat.NewFile(target, written.rows(), written.bytes()),
                        written.digest(),
                        written.summary(),
                        List.of(reference)),
                context.key(),
                context.actor()));
    }

    private static Map<String, Object> outputs(DataSetVersion version) {
        return Map.of("version", version.reference(), "rows", version.rows(), "digest", version.digest());
    }
}
