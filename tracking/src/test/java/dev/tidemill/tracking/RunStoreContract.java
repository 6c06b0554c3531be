package dev.tidemill.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.tracking.domain.DataSetInput;
import dev.tidemill.tracking.domain.Experiment;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.ModelLink;
import dev.tidemill.tracking.domain.RetentionStore;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.RunStore.RunState;
import dev.tidemill.tracking.domain.RunStore.Start;
import dev.tidemill.tracking.domain.SearchKeys;
import dev.tidemill.tracking.domain.Tracking.Span;
import dev.tidemill.tracking.store.SqlExperimentStore;
import dev.tidemill.tracking.store.SqlRunStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the stores of experiments and runs promise, on every database. */
abstract class RunStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-21T08:00:00Z");
    private static final String ROOT = "mlflow-artifacts:";
    private Database database;
    private SqlExperimentStore experiments;
    private SqlRunStore store;
    private Experiment group;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        experiments = new SqlExperimentStore(database);
        store = new SqlRunStore(database);
        group = experiments.insert("a", "bikes", Optional.empty(), ROOT, NOW).orElseThrow();
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private Run run(Experiment experiment, String name, int second) {
        return Run.started(RunId.next(), experiment, name, Optional.of(name), "ada", NOW.plusSeconds(second));
    }

    private RunState add(Experiment experiment, String name, int second) {
        Run run = run(experiment, name, second);
        assertThat(store.insert(run)).isTrue();
        return store.findState(experiment.project(), run.id()).orElseThrow();
    }

    private static MetricPoint point(String name, long step, int second, double value) {
        return new MetricPoint(name, step, NOW.plusSeconds(second), value);
    }

    private List<String> search(String filter, String... order) {
        return store
                .search(
                        "a",
                        List.of(group.id()),
                        Lifecycle.ACTIVE_ONLY,
                        SearchParser.filter(SearchKeys.RUNS, filter),
                        SearchParser.order(SearchKeys.RUNS, List.of(order)),
                        Start.BEGINNING,
                        100)
                .stream()
                .map(Run::name)
                .toList();
    }

    @Test
    void anExperimentHasItsProjectsNameAndAPlaceOfItsOwn() {
        assertThat(group.artifactLocation()).isEqualTo(ROOT + "/" + group.id());
        assertThat(experiments.insert("a", "bikes", Optional.empty(), ROOT, NOW))
                .isEmpty();
        assertThat(experiments
                        .insert("b", "bikes", Optional.of("s3://bucket/x"), ROOT, NOW)
                        .orElseThrow()
                        .artifactLocation())
                .isEqualTo("s3://bucket/x");
        assertThat(experiments.find("b", group.id())).isEmpty();
        experiments.ensureDefault(ROOT, NOW);
        experiments.ensureDefault(ROOT, NOW);
        assertThat(experiments.find("default", 0).orElseThrow().name()).isEqualTo("Default");
        experiments.update(group.id(), "cycles", true, NOW);
        assertThat(experiments.findByName("a", "cycles").orElseThrow().deleted())
                .isTrue();
    }

    @Test
    void aSourceStartsOneRun() {
        assertThat(store.insert(run(group, "s", 0))).isTrue();
        assertThat(store.insert(run(group, "s", 0))).isFalse();
        assertThat(store.findBySource("a", "s")).isPresent();
        assertThat(store.find("b", store.findBySource("a", "s").orElseThrow().id()))
                .isEmpty();
    }

    @Test
    void theLatestPointIsTheHighestByStepThenTimeThenValue() {
        RunState run = add(group, "s", 0);
        store.addPoints(run, List.of(point("loss", 2, 0, 5), point("loss", 1, 9, 9)));
        store.addPoints(run, List.of(point("loss", 2, 0, 4), point("loss", 2, 0, 6)));
        store.addPoints(run, List.of(point("loss", 2, 0, 6)));
        assertThat(store.find("a", run.id()).orElseThrow().metrics()).isEqualTo(Map.of("loss", point("loss", 2, 0, 6)));
        assertThat(store.history(run, "loss", 0, 100))
                .extracting(MetricPoint::value)
                .containsExactly(4.0, 5.0, 6.0, 9.0);
        assertThat(store.history(run, "loss", 1, 2))
                .extracting(MetricPoint::value)
                .containsExactly(5.0, 6.0);
        assertThat(store.history(run, "absent", 0, 9)).isEmpty();
    }

    @Test
    void valuesThatAreNoNumbersAreKeptAsMlflowKeepsThem() {
        RunState run = add(group, "s", 0);
        store.addPoints(
                run,
                List.of(
                        point("nan", 0, 0, Double.NaN),
                        point("up", 0, 0, Double.POSITIVE_INFINITY),
                        point("down", 0, 0, Double.NEGATIVE_INFINITY)));
        assertThat(store.find("a", run.id()).orElseThrow().metrics().values())
                .extracting(MetricPoint::value)
                .containsExactly(-Double.MAX_VALUE, Double.NaN, Double.MAX_VALUE);
    }

    @Test
    void paramsNeverChange() {
        RunState run = add(group, "s", 0);
        assertThat(store.addParams(run, Map.of("depth", "4"))).isEmpty();
        assertThat(store.addParams(run, Map.of("depth", "4", "rate", "1"))).isEmpty();
        assertThat(store.addParams(run, Map.of("depth", "5", "more", "1"))).isEqualTo(Map.of("depth", "4"));
        assertThat(store.find("a", run.id()).orElseThrow().params()).isEqualTo(Map.of("depth", "4", "rate", "1"));
    }

    @Test
    void runsComeWithWhatBelongsToThemNewestFirst() {
        RunState first = add(group, "1", 0);
        RunState second = add(group, "2", 0);
        store.putTags(second, Map.of("data", "rows@1"));
        var input = new DataSetInput("rows", "d1", "local", "{}", "", "", Map.of("mlflow.data.context", "training"));
        store.addInputs(second, List.of(input));
        store.addInputs(second, List.of(input));
        store.addModels(second, List.of(new ModelLink("m-1", true, 3)));
        store.update(second, Optional.empty(), Optional.of(Run.Status.FINISHED), Optional.of(NOW));
        store.setModelDigest(second, Optional.of("abc"));
        List<Run> newest = store.newest("a", Optional.of(group.id()), Optional.empty(), 10);
        assertThat(newest).extracting(Run::id).containsExactly(second.id(), first.id());
        Run found = newest.getFirst();
        assertThat(found.modelDigest()).contains("abc");
        assertThat(found.status()).isEqualTo(Run.Status.FINISHED);
        assertThat(found.inputs()).containsExactly(input);
        assertThat(found.models()).containsExactly(new ModelLink("m-1", true, 3));
        assertThat(store.newest("a", Optional.empty(), Optional.of(second.id().value()), 10))
                .hasSize(1);
        assertThat(store.newest("other", Optional.empty(), Optional.empty(), 10))
                .isEmpty();
        assertThat(search("dataset.context = 'training'")).containsExactly("2");
    }

    @Test
    void searchesFindWhatTheFilterSays() {
        for (int i = 0; i < 6; i++) {
            RunState run = add(group, "run-" + i, i);
            store.addParams(run, Map.of("depth", Integer.toString(i), "long", "x".repeat(300) + i));
            store.putTags(run, Map.of("parity", i % 2 == 0 ? "even" : "odd"));
            if (i < 5) {
                store.addPoints(run, List.of(point("loss", 0, 0, i == 3 ? Double.NaN : i)));
            }
        }
        assertThat(search("")).containsExactly("run-5", "run-4", "run-3", "run-2", "run-1", "run-0");
        assertThat(search("metrics.loss > 1")).containsExactly("run-4", "run-2");
        assertThat(search("metrics.loss != 4 AND tags.parity = 'even'")).containsExactly("run-2", "run-0");
        assertThat(search("params.long = '" + "x".repeat(300) + "3'")).containsExactly("run-3");
        assertThat(search("params.depth != '3' AND tag.parity LIKE 'o%'")).containsExactly("run-5", "run-1");
        assertThat(search("tag.parity LIKE 'O%'")).isEmpty();
        assertThat(search("tag.parity ILIKE 'O%'")).hasSize(3);
        assertThat(search("start_time > " + NOW.plusSeconds(3).toEpochMilli())).containsExactly("run-5", "run-4");
        assertThat(search("", "metrics.loss DESC"))
                .containsExactly("run-4", "run-2", "run-1", "run-0", "run-3", "run-5");
        assertThat(search("", "metrics.loss")).containsExactly("run-0", "run-1", "run-2", "run-4", "run-3", "run-5");
        assertThat(search("", "params.depth DESC")).first().isEqualTo("run-5");
        assertThat(search("tags.`parity` = 'even' AND run_name LIKE '%-4'")).containsExactly("run-4");
    }

    @Test
    void anotherProjectsRunsAreNeverSeen() {
        Experiment other =
                experiments.insert("b", "secret", Optional.empty(), ROOT, NOW).orElseThrow();
        add(other, "hidden", 0);
        assertThat(store.search(
                        "a", List.of(group.id(), other.id()), Lifecycle.ALL, List.of(), List.of(), Start.BEGINNING, 10))
                .isEmpty();
    }

    @Test
    void deletedRunsAreSeenOnlyWhereAskedFor() {
        RunState run = add(group, "s", 0);
        store.setDeletedIn(group.id(), true, NOW);
        assertThat(search("")).isEmpty();
        assertThat(store.search(
                        "a", List.of(group.id()), Lifecycle.DELETED_ONLY, List.of(), List.of(), Start.BEGINNING, 10))
                .hasSize(1);
        store.setDeleted(run, false, NOW);
        assertThat(search("")).hasSize(1);
    }

    @Test
    void aThinnedCurveKeepsItsPeaks() {
        RunState run = add(group, "s", 0);
        var random = new java.util.Random(7);
        var points = new ArrayList<MetricPoint>();
        for (int step = 0; step < 5_000; step++) {
            points.add(point("loss", step, 0, random.nextDouble()));
        }
        points.set(1234, point("loss", 1234, 0, 100));
        points.set(4321, point("loss", 4321, 0, -100));
        store.addPoints(run, points);
        List<MetricPoint> curve = store.envelope(run, "loss", Span.ALL, 100);
        assertThat(curve).hasSizeBetween(150, 200).contains(points.get(1234), points.get(4321));
        assertThat(curve).isSortedAccordingTo((a, b) -> Long.compare(a.step(), b.step()));
        assertThat(store.envelope(run, "loss", Span.ALL, 5_000)).hasSize(5_000);
    }

    @Test
    void whatWasLoggedWithoutStepsIsThinnedOverTimeAndGapsStay() {
        RunState run = add(group, "s", 0);
        var points = new ArrayList<MetricPoint>();
        for (int second = 0; second < 1_000; second++) {
            points.add(point("loss", 0, second, second == 500 ? Double.NaN : second));
        }
        store.addPoints(run, points);
        List<MetricPoint> curve = store.envelope(run, "loss", Span.ALL, 10);
        assertThat(curve).hasSize(21).startsWith(points.getFirst()).endsWith(points.getLast());
        assertThat(curve).filteredOn(one -> Double.isNaN(one.value())).containsExactly(points.get(500));
    }

    @Test
    void aSampleIsSpreadEvenlyFromTheFirstPointToTheLast() {
        RunState run = add(group, "s", 0);
        var points = new ArrayList<MetricPoint>();
        for (int second = 0; second < 101; second++) {
            points.add(point("loss", 0, second, 100 - second));
        }
        store.addPoints(run, points);
        assertThat(store.sample(run, "loss", Span.ALL, 5))
                .containsExactly(points.get(0), points.get(25), points.get(50), points.get(75), points.get(100));
        assertThat(store.sample(run, "loss", Span.ALL, 1)).containsExactly(points.get(100));
        assertThat(store.sample(run, "loss", Span.ALL, 500)).isEqualTo(points);
        assertThat(store.sample(run, "loss", new Span(1, 2), 5)).isEmpty();
        assertThat(store.sample(run, "absent", Span.ALL, 5)).isEmpty();
    }

    @Test
    void runsAreFoundByWhatTheyLack() {
        RunState tagged = add(group, "tagged", 2);
        store.putTags(tagged, Map.of("team", "a"));
        RunState tuned = add(group, "tuned", 1);
        store.addParams(tuned, Map.of("depth", "3"));
        assertThat(search("tags.team IS NULL")).containsExactly("tuned");
        assertThat(search("tags.team IS NOT NULL")).containsExactly("tagged");
        assertThat(search("params.depth is null")).containsExactly("tagged");
        assertThat(search("params.depth IS NOT NULL AND tags.team IS NULL")).containsExactly("tuned");
        experiments.putTag(group.id(), "team", "a");
        assertThat(experiments.search(
                        "a",
                        Lifecycle.ALL,
                        SearchParser.filter(SearchKeys.EXPERIMENTS, "tags.team IS NOT NULL"),
                        List.of(),
                        0,
                        10))
                .extracting(one -> one.id())
                .containsExactly(group.id());
        assertThat(experiments.search(
                        "a",
                        Lifecycle.ALL,
                        SearchParser.filter(SearchKeys.EXPERIMENTS, "name = 'bikes' AND tags.team IS NULL"),
                        List.of(),
                        0,
                        10))
                .isEmpty();
    }

    @Test
    void whatWasDeletedLongAgoGoesForGoodAndNothingElse() {
        RunState gone = add(group, "gone", 1);
        RunState recent = add(group, "recent", 2);
        add(group, "there", 3);
        var points = new ArrayList<MetricPoint>();
        for (int step = 0; step < 250; step++) {
            points.add(point("loss", step, 1, step));
        }
        store.addPoints(gone, points);
        store.addPoints(recent, points);
        store.putTags(gone, Map.of("k", "v"));
        store.setDeleted(gone, true, NOW);
        store.setDeleted(recent, true, NOW.plusSeconds(1000));
        var retention = new dev.tidemill.tracking.store.SqlRetentionStore(database);
        assertThat(retention.countRuns(new RetentionStore.Scope.Project("b"), NOW.plusSeconds(5)))
                .isZero();
        var project = new RetentionStore.Scope.Project("a");
        assertThat(retention.runs(project, NOW.plusSeconds(5), 10))
                .extracting(one -> one.id())
                .containsExactly(gone.id());
        var byExperiment = new RetentionStore.Scope.OfExperiment(group.id());
        var others = new RetentionStore.Scope.WithoutPolicy();
        assertThat(retention.countRuns(byExperiment, NOW.plusSeconds(5))).isOne();
        assertThat(retention.countRuns(others, NOW.plusSeconds(5))).isOne();
        experiments.putTag(group.id(), dev.tidemill.tracking.domain.Retention.POLICY_TAG, "7");
        assertThat(retention.policies()).isEqualTo(Map.of(group.id(), "7"));
        assertThat(retention.countRuns(byExperiment, NOW.plusSeconds(5))).isOne();
        assertThat(retention.countRuns(others, NOW.plusSeconds(5))).isZero();
        int rounds = 0;
        while (retention.removePoints(gone.number(), 100)) {
            rounds++;
        }
        assertThat(rounds).isEqualTo(3);
        retention.remove(gone.number());
        assertThat(store.find("a", gone.id())).isEmpty();
        assertThat(retention.removeExperiments(Optional.of("a"), NOW.plusSeconds(5000)))
                .isEmpty();
        assertThat(store.history(recent, "loss", 0, 1000)).hasSize(250);
        store.setDeleted(recent, false, NOW);
        assertThat(search("")).containsExactly("there", "recent");
    }
}
