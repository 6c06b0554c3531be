package dev.tidemill.datasets.domain;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Data sets and their versions. Thread-safe. */
public final class DataSets {
    private final DataSetStore store;
    private final TableFormat tables;
    private final ArtifactTree files;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;

    /** @param release lets go of a blob that a definition named */
    public DataSets(
            DataSetStore store,
            TableFormat tables,
            ArtifactTree files,
            Transactions transactions,
            EventLog events,
            Clock clock) {
        this.files = files;
        this.store = store;
        this.tables = tables;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    public void define(String project, String name, DataSet definition) {
        prepare(project, name, definition).run();
    }

    /** Looks for what a definition names, outside of any unit of work; what this gives defines it, within one. */
    public Runnable prepare(String project, String name, DataSet definition) {
        Optional<ArtifactTree.Claim> source =
                definition.source().map(file -> files.look(project, Set.of(new Digest(file.blob()))));
        return () -> define(project, name, definition, source);
    }

    private void define(String project, String name, DataSet definition, Optional<ArtifactTree.Claim> source) {
        transactions.write(() -> {
            Optional<Digest> before =
                    store.find(project, name).flatMap(DataSet::source).map(file -> new Digest(file.blob()));
            source.ifPresent(files::claim);
            store.save(project, name, definition);
            before.ifPresent(blob -> files.release(List.of(blob)));
        });
    }

    /** A data set that may not be defined yet. */
    public Optional<DataSet> find(String project, String name) {
        return store.find(project, name);
    }

    /**
     * A data set as it will be once what is applied together with something has been applied.
     *
     * @param others what is applied together, by kind and name, as {@code DataSet/rentals}
     */
    public Optional<DataSet> written(Map<String, Object> others, String project, String name) {
        return others.get("DataSet/" + name) instanceof DataSet dataSet ? Optional.of(dataSet) : find(project, name);
    }

    public DataSet dataSet(String project, String name) {
        return store.find(project, name).orElseThrow(() -> TidemillException.notFound("data set", name));
    }

    /**
     * A data set with its versions, newest first.
     *
     * @param definition empty for what a feature view was materialized as
     */
    public record Found(String name, Optional<DataSet> definition, List<DataSetVersion> versions) {}

    /** @throws TidemillException {@code NOT_FOUND} where it is neither defined nor has a version */
    public Found found(String project, String name) {
        Optional<DataSet> definition = store.find(project, name);
        List<DataSetVersion> versions = store.versions(project, name);
        if (definition.isEmpty() && versions.isEmpty()) {
            throw TidemillException.notFound("data set", name);
        }
        return new Found(name, definition, versions);
    }

    public List<DataSetStore.Named> list(String project) {
        return store.list(project);
    }

    public List<DataSetVersion> versions(String project, String name) {
        return store.versions(project, name);
    }

    /** The version that a reference such as {@code rentals@3}, or {@code rentals} for the newest, means. */
    public DataSetVersion version(String project, String reference) {
        return findVersion(project, reference)
                .orElseThrow(() -> TidemillException.notFound("data set version", reference));
    }

    /** The version that a reference means, if there is one now. */
    public Optional<DataSetVersion> findVersion(String project, String reference) {
        int at = reference.lastIndexOf('@');
        return at < 0
                ? store.newestVersion(project, reference)
                : store.findVersion(project, reference.substring(0, at), number(reference, at));
    }

    private static int number(String reference, int at) {
        try {
            return Integer.parseInt(reference.substring(at + 1));
        } catch (NumberFormatException e) {
            throw TidemillException.invalid("version", "'" + reference + "' is not a reference such as 'rentals@3'");
        }
    }

    public List<Path> files(DataSetVersion version) {
        return tables.files(version.project(), version.dataSet(), version.snapshotId());
    }

    public Path newFile(String project, String dataSet) {
        return tables.newFile(project, dataSet);
    }

    /** What a step made before it was interrupted, if it got that far. */
    public Optional<DataSetVersion> findMadeBy(String project, String dataSet, String madeBy) {
        return store.findMadeBy(project, dataSet, madeBy);
    }

    /** What a new version holds. */
    public record Contents(
            List<Column> columns,
            TableFormat.NewFile file,
            String digest,
            Map<String, Object> summary,
            List<String> sources) {}

    /** Makes the contents the next version; rows, record and event become visible together. */
    public DataSetVersion commit(String project, String name, Contents contents, String madeBy, String actor) {
        var made = new DataSetVersion[1];
        tables.replace(
                project,
                name,
                contents.columns(),
                contents.file(),
                snapshot -> made[0] = transactions.write(() -> {
                    int number = store.newestVersion(project, name)
                                    .map(DataSetVersion::version)
                                    .orElse(0)
                            + 1;
                    var version = new DataSetVersion(
                            project,
                            name,
                            number,
                            snapshot,
                            contents.digest(),
                            contents.file().rows(),
                            contents.file().bytes(),
                            contents.columns(),
                            contents.summary(),
                            contents.sources(),
                            madeBy,
                            clock.instant());
                    store.insertVersion(version);
                    events.append(Event.of(
                                    "data-set.version.created",
                                    project,
                                    "data-set/" + name + "/" + number,
                                    actor,
                                    Map.of("dataSet", name, "version", number, "rows", version.rows()))
                            .withDigest(version.digest())
                            .withCause("pipeline-run/" + madeBy));
                    return version;
                }));
        return made[0];
    }
}
