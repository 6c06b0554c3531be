package dev.tidemill.tracking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.Contention;
import dev.tidemill.testkit.store.Plans;
import dev.tidemill.testkit.store.WatchedSearches;
import dev.tidemill.tracking.domain.DataSetInput;
import dev.tidemill.tracking.domain.Experiment;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Imports;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.LoggedModel;
import dev.tidemill.tracking.domain.LoggedModelStore;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.ModelLink;
import dev.tidemill.tracking.domain.RetentionStore;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.RunQuery;
import dev.tidemill.tracking.domain.RunStore.RunState;
import dev.tidemill.tracking.domain.RunStore.Start;
import dev.tidemill.tracking.domain.SearchKeys;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.tracking.domain.Tracking.Span;
import dev.tidemill.tracking.store.SqlExperimentStore;
import dev.tidemill.tracking.store.SqlLoggedModelStore;
import dev.tidemill.tracking.store.SqlRunStore;
import dev.tidemill.tracking.store.SqlTraceStore;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
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

    private Page<Experiment> experimentsFrom(Optional<String> token, int size, String... order) {
        var clock = Clock.fixed(NOW, ZoneOffset.UTC);
        return new Experiments(experiments, store, database, new SqlEventLog(database, clock), clock, ROOT)
                .search("a", Lifecycle.ACTIVE_ONLY, "", List.of(order), token, size);
    }

    /** What is made in between moves no experiment from one page to another. */
    @Test
    void aPageOfExperimentsBeginsBehindTheLastOneOfThePageBefore() {
        for (int i = 1; i <= 3; i++) {
            // Two of them are made in the same millisecond.
            experiments.insert("a", "e" + i, Optional.empty(), ROOT, NOW.plusSeconds(i == 3 ? 2 : i));
        }
        var first = experimentsFrom(Optional.empty(), 1);
        var byName = experimentsFrom(Optional.empty(), 2, "name ASC");
        assertThat(first.items()).extracting(Experiment::name).containsExactly("e3");
        experiments.insert("a", "newest", Optional.empty(), ROOT, NOW.plusSeconds(9));
        assertThat(experimentsFrom(first.next(), 9)).satisfies(page -> {
            assertThat(page.items()).extracting(Experiment::name).containsExactly("e2", "e1", "bikes");
            assertThat(page.next()).isEmpty();
        });
        assertThat(experimentsFrom(byName.next(), 9, "name ASC").items())
                .extracting(Experiment::name)
                .containsExactly("e2", "e3", "newest");
        assertThat(experimentsFrom(Optional.of(Page.token(4)), 9).items())
                .extracting(Experiment::name)
                .containsExactly("bikes");
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
                .runs()
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
        assertThat(store.history(run, "loss", false, Optional.empty(), 100))
                .extracting(MetricPoint::value)
                .containsExactly(4.0, 5.0, 6.0, 9.0);
        assertThat(store.history(run, "loss", false, Optional.of(point("", 2, 0, 4)), 2))
                .extracting(MetricPoint::value)
                .containsExactly(5.0, 6.0);
        assertThat(store.history(run, "absent", false, Optional.empty(), 9)).isEmpty();
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
        List<Run> newest =
                store.newest("a", Optional.of(group.id()), Optional.empty(), 10).runs();
        assertThat(newest).extracting(Run::id).containsExactly(second.id(), first.id());
        Run found = newest.getFirst();
        assertThat(found.modelDigest()).contains("abc");
        assertThat(found.status()).isEqualTo(Run.Status.FINISHED);
        assertThat(found.inputs()).containsExactly(input);
        assertThat(found.models()).containsExactly(new ModelLink("m-1", true, 3));
        assertThat(store.newest("a", Optional.empty(), Optional.of(second.id().value()), 10)
                        .runs())
                .hasSize(1);
        assertThat(store.newest("other", Optional.empty(), Optional.empty(), 10).runs())
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
                                "a",
                                List.of(group.id(), other.id()),
                                Lifecycle.ALL,
                                List.of(),
                                List.of(),
                                Start.BEGINNING,
                                10)
                        .runs())
                .isEmpty();
    }

    @Test
    void deletedRunsAreSeenOnlyWhereAskedFor() {
        RunState run = add(group, "s", 0);
        store.setDeletedIn(group.id(), true, NOW);
        assertThat(search("")).isEmpty();
        assertThat(store.search(
                                "a",
                                List.of(group.id()),
                                Lifecycle.DELETED_ONLY,
                                List.of(),
                                List.of(),
                                Start.BEGINNING,
                                10)
                        .runs())
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
        assertThat(experiments
                        .search(
                                "a",
                                Lifecycle.ALL,
                                SearchParser.filter(SearchKeys.EXPERIMENTS, "tags.team IS NOT NULL"),
                                List.of(),
                                Start.BEGINNING,
                                10)
                        .items())
                .extracting(one -> one.id())
                .containsExactly(group.id());
        assertThat(experiments
                        .search(
                                "a",
                                Lifecycle.ALL,
                                SearchParser.filter(SearchKeys.EXPERIMENTS, "name = 'bikes' AND tags.team IS NULL"),
                                List.of(),
                                Start.BEGINNING,
                                10)
                        .items())
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
        assertThat(store.history(recent, "loss", false, Optional.empty(), 1000)).hasSize(250);
        store.setDeleted(recent, false, NOW);
        assertThat(search("")).containsExactly("there", "recent");
    }

    /** Adds a param as the domain does: what is there with another value is told, and nothing is written then. */
    @Test
    void ofDifferentValuesForOneParamOneIsKeptAndTheOthersAreTold() {
        RunState run = add(group, "s", 0);
        var outcomes = Contention.of(
                        20,
                        (thread, turn) -> Map.entry(
                                "v" + thread,
                                database.write(() -> store.addParams(run, Map.of("key" + turn, "v" + thread)))))
                .allAnswered();
        Map<String, String> kept = store.find("a", run.id()).orElseThrow().params();
        assertThat(kept).hasSize(20);
        for (int turn = 0; turn < 20; turn++) {
            String key = "key" + turn;
            var toldOther = outcomes.stream()
                    .filter(outcome -> outcome.getValue().containsKey(key))
                    .toList();
            assertThat(toldOther).hasSize(Contention.THREADS - 1).allSatisfy(outcome -> {
                assertThat(outcome.getKey()).isNotEqualTo(kept.get(key));
                assertThat(outcome.getValue()).containsEntry(key, kept.get(key));
            });
        }
    }

    @Test
    void noRunIsStartedInAnExperimentThatIsDeletedMeanwhile() {
        var clock = Clock.fixed(NOW, ZoneOffset.UTC);
        var events = new SqlEventLog(database, clock);
        var all = new Experiments(experiments, store, database, events, clock, ROOT);
        var tracking = new Tracking(store, new SqlLoggedModelStore(database), all, database, events, clock);
        var homes = new ArrayList<String>();
        for (int turn = 0; turn < 15; turn++) {
            homes.add(all.ensure("a", "home" + turn, "ada").reference());
        }
        var outcomes = Contention.of(homes.size(), (thread, turn) -> {
            String home = homes.get(turn);
            if (thread == 0) {
                all.delete("a", home, "ada");
            } else {
                tracking.create("a", home, Optional.empty(), "ada", Optional.empty(), Map.of(), "ada");
            }
            return home;
        });
        assertThat(outcomes.refusals())
                .allSatisfy(refusal -> assertThat(refusal)
                        .isInstanceOf(TidemillException.class)
                        .hasMessageContaining("Current state is deleted"));
        assertThat(store.ids(
                        "a", homes.stream().map(Long::parseLong).toList(), Lifecycle.ACTIVE_ONLY, List.of(), 1_000))
                .isEmpty();
    }

    @Test
    void aNewNameOfAnExperimentIsAnEventWhereItIsNew() {
        var clock = Clock.fixed(NOW, ZoneOffset.UTC);
        var events = new SqlEventLog(database, clock);
        var all = new Experiments(experiments, store, database, events, clock, ROOT);
        String id = group.reference();
        all.rename("a", id, "bikes", "ada");
        all.rename("a", id, "cycles", "ada");
        // Another's transaction may hold events back for a moment.
        Await.until("the event", () -> !events.after(0, 100).isEmpty());
        assertThat(events.after(0, 100)).singleElement().satisfies(stored -> {
            assertThat(stored.event().type()).isEqualTo("experiment.renamed");
            assertThat(stored.event().subject()).isEqualTo("experiment/" + id);
            assertThat(stored.event().actor()).isEqualTo("ada");
            assertThat(stored.event().data()).isEqualTo(Map.of("name", "cycles", "before", "bikes"));
        });
    }

    @Test
    void theSameParamsAndTagsFromAllSidesAreThereOnce() {
        RunState run = add(group, "s", 0);
        var texts = new java.util.HashMap<String, String>();
        for (int i = 0; i < 50; i++) {
            texts.put("key" + i, "value");
        }
        Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> {
                            assertThat(store.addParams(run, texts)).isEmpty();
                            store.putTags(run, texts);
                            return true;
                        }))
                .allAnswered();
        Run read = store.find("a", run.id()).orElseThrow();
        assertThat(read.params()).isEqualTo(texts);
        assertThat(read.tags()).isEqualTo(texts);
    }

    @Test
    void pointsFromAllSidesAreKeptAndTheLatestOfThemIsTheHighest() {
        RunState run = add(group, "s", 0);
        Contention.of(
                        10,
                        (thread, turn) -> database.write(() -> {
                            // Names that nobody had yet, in another order for each thread.
                            var points = new java.util.ArrayList<MetricPoint>();
                            for (int i = 0; i < 5; i++) {
                                points.add(point("m" + turn + "/" + (i + thread) % 5, thread, 0, thread));
                            }
                            points.add(point("loss", turn * Contention.THREADS + thread, 0, thread));
                            store.addPoints(run, points);
                            return true;
                        }))
                .allAnswered();
        int all = 10 * Contention.THREADS;
        assertThat(store.history(run, "loss", false, Optional.empty(), 1000)).hasSize(all);
        Run read = store.find("a", run.id()).orElseThrow();
        assertThat(read.metrics())
                .hasEntrySatisfying("loss", latest -> assertThat(latest.step()).isEqualTo(all - 1));
        assertThat(read.metrics()).hasSize(51);
        assertThat(read.metrics())
                .hasEntrySatisfying("m3/4", latest -> assertThat(latest.step()).isEqualTo(Contention.THREADS - 1));
    }

    @Test
    void ofRunsOfOneSourceAndExperimentsOfOneNameOneIsMade() {
        var runs = Contention.of(5, (thread, turn) -> database.write(() -> store.insert(run(group, "s" + turn, 0))))
                .allAnswered();
        assertThat(runs.stream().filter(made -> made)).hasSize(5);
        var made = Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> experiments
                                .insert("a", "e" + turn, Optional.empty(), ROOT, NOW)
                                .isPresent()))
                .allAnswered();
        assertThat(made.stream().filter(yes -> yes)).hasSize(5);
    }

    @Test
    void experimentsThatAreTakenInUnderTheirIdsDoNotTakeThoseOfNewOnes() {
        Contention.of(
                        10,
                        (thread, turn) -> database.write(() -> {
                            String name = thread + "/" + turn;
                            // An id that is taken by now is no reason to leave the experiment out.
                            return (thread % 2 == 0
                                            && experiments.insertAs(1000L * (turn + 1) + thread, "a", name, ROOT, NOW))
                                    || experiments
                                            .insert("a", name, Optional.empty(), ROOT, NOW)
                                            .isPresent();
                        }))
                .allAnswered()
                .forEach(made -> assertThat(made).isTrue());
        assertThat(experiments
                        .search("a", Lifecycle.ALL, List.of(), List.of(), Start.BEGINNING, 1000)
                        .items())
                .hasSize(1 + 10 * Contention.THREADS);
    }

    @Test
    void whatIsLoggedOfModelsIsThereWithTheBatchOrNotAtAll() {
        RunState run = add(group, "s", 0);
        var models = new SqlLoggedModelStore(database);
        models.insert(new LoggedModel(
                "m-1",
                "a",
                group.id(),
                "model",
                "",
                LoggedModel.Status.LOGGED_MODEL_READY,
                "",
                "",
                "mlflow-artifacts:/x",
                false,
                NOW,
                NOW,
                Map.of(),
                Map.of(),
                List.of()));
        var log = new SqlEventLog(database, Clock.systemUTC());
        var tracking = new Tracking(
                store,
                models,
                new Experiments(experiments, store, database, log, Clock.systemUTC(), ROOT),
                database,
                log,
                Clock.systemUTC());
        var points = java.util.stream.IntStream.range(0, 1000)
                .mapToObj(step -> point("loss", step, 0, step))
                .toList();
        var measured = points.stream()
                .map(point -> new LoggedModel.Measured(point, run.id().value(), Optional.of("data"), Optional.empty()))
                .toList();
        var ofModels = Map.of("m-1", measured, "m-unknown", measured);
        tracking.log("a", run.id(), Map.of("depth", "3"), Map.of(), List.of());
        assertThatThrownBy(() -> tracking.log(
                        "a", run.id(), new Tracking.Batch(points, Map.of("depth", "4"), Map.of(), ofModels)))
                .hasMessageContaining("Changing param values is not allowed");
        assertThat(models.find("a", "m-1").orElseThrow().metrics()).isEmpty();
        assertThat(store.history(run, "loss", false, Optional.empty(), 2000)).isEmpty();
        tracking.log("a", run.id(), new Tracking.Batch(points, Map.of("depth", "3"), Map.of(), ofModels));
        assertThat(models.find("a", "m-1").orElseThrow().metrics()).isEqualTo(measured);
        assertThat(store.history(run, "loss", false, Optional.empty(), 2000)).hasSize(1000);
    }

    @Test
    void pagesOfAHistoryGiveEachPointOnceInWhateverOrderTimesCome() {
        var tracking = tracking();
        var random = new java.util.Random(5);
        for (boolean falls : List.of(false, true)) {
            RunState run = add(group, "falls " + falls, 0);
            var points = new java.util.ArrayList<MetricPoint>();
            for (int step = 0; step < 500; step++) {
                int second = falls ? random.nextInt(40) : step / 9;
                points.add(point("loss", step / 3, second, random.nextInt(3)));
                points.add(point("loss", step / 3, second, Double.NaN));
                points.add(point("loss", step / 3, second, -0.5 * random.nextInt(3)));
            }
            store.addPoints(run, points);
            assertThat(store.timesFall(run, "loss")).isEqualTo(falls);
            var paged = new java.util.ArrayList<MetricPoint>();
            Optional<String> token = Optional.empty();
            do {
                var page = tracking.history("a", run.id(), "loss", token, 7);
                paged.addAll(page.items());
                token = page.next();
                // Logged meanwhile, behind all others or before them.
                store.addPoints(run, List.of(point("other", 0, 0, paged.size())));
            } while (token.isPresent());
            var whole = new java.util.ArrayList<MetricPoint>();
            store.eachPoint(run, "loss", whole::add);
            assertThat(paged).isEqualTo(whole);
        }
        assertThatThrownBy(() ->
                        tracking.history("a", add(group, "t", 0).id(), "loss", Optional.of("eyJvZmZzZXQiOiAzfQ=="), 7))
                .hasMessageContaining("page token");
    }

    @Test
    void aPageOfAnOrderedHistoryIsReadByTheKey() {
        RunState run = add(group, "long", 0);
        store.addPoints(
                run,
                java.util.stream.IntStream.range(0, 5_000)
                        .mapToObj(step -> point("loss", step, step, step))
                        .toList());
        Plans.analyze(database);
        var last = Optional.of(point("", 4_000, 4_000, 4_000));
        assertThat(Plans.of(
                                database,
                                () -> assertThat(store.history(run, "loss", true, last, 10))
                                        .extracting(MetricPoint::step)
                                        .startsWith(4_001L)
                                        .hasSize(10))
                        .getLast())
                .containsPattern("Index|SEARCH")
                .doesNotContain("Seq Scan", "Sort", "TEMP B-TREE");
    }

    @Test
    void pagesOfTheNewestRunsGoOnByTheIndexHoweverFarDown() {
        for (int i = 0; i < 300; i++) {
            add(group, "r" + i, i / 3);
        }
        Plans.analyze(database);
        var tracking = tracking();
        var reference = List.of(group.reference());
        for (List<String> order : List.of(List.<String>of(), List.of("attributes.start_time DESC"))) {
            var query = new RunQuery(reference, Lifecycle.ACTIVE_ONLY, "", order);
            var seen = new java.util.ArrayList<String>();
            Optional<String> token = Optional.empty();
            for (int i = 0; i < 6; i++) {
                var page = tracking.search("a", query, token, 10);
                page.items().forEach(run -> seen.add(run.name()));
                token = page.next();
            }
            assertThat(seen)
                    .isEqualTo(tracking.search("a", query, Optional.empty(), 60).items().stream()
                            .map(Run::name)
                            .toList())
                    .doesNotHaveDuplicates();
            Optional<String> next = token;
            assertThat(Plans.of(database, () -> tracking.search("a", query, next, 10))
                            .getFirst())
                    .contains("run_by_start")
                    .doesNotContain("Seq Scan on run r", "Sort Key", "USE TEMP B-TREE FOR ORDER BY");
        }
    }

    private static Start from(long offset) {
        return new Start(offset, Optional.empty());
    }

    /** Such a search may look at every run of a project; the list of an experiment's newest runs looks at a page of them. */
    @Test
    void searchesOfRunsThatNoIndexServesTakeTurns() {
        RunState one = add(group, "one", 1);
        store.addPoints(one, List.of(point("loss", 1, 1, 0.5)));
        Experiment other =
                experiments.insert("a", "other", Optional.empty(), ROOT, NOW).orElseThrow();
        var watched = new WatchedSearches(database);
        var runs = new SqlRunStore(watched);
        List<Long> few = List.of(group.id());
        List<Long> several = List.of(group.id(), other.id());
        var newest = Lifecycle.ACTIVE_ONLY;
        for (String order :
                List.of("metrics.loss", "params.depth DESC", "tags.k", "attributes.status", "start_time ASC")) {
            var by = SearchParser.order(SearchKeys.RUNS, List.of(order));
            assertThat(watched.of(() -> runs.search("a", few, newest, List.of(), by, Start.BEGINNING, 10)))
                    .as(order)
                    .isEqualTo(1);
        }
        var byStart = SearchParser.order(SearchKeys.RUNS, List.of("attributes.start_time DESC"));
        for (var by : List.of(List.<Ordering>of(), byStart)) {
            assertThat(watched.of(() -> runs.search("a", few, newest, List.of(), by, Start.BEGINNING, 10)))
                    .isZero();
            assertThat(watched.of(() -> runs.search("a", several, newest, List.of(), by, Start.BEGINNING, 10)))
                    .as("runs of several experiments are sorted")
                    .isEqualTo(1);
            assertThat(watched.of(() -> runs.search("a", few, newest, List.of(), by, from(10), 10)))
                    .as("what is skipped is read")
                    .isEqualTo(1);
        }
        assertThat(watched.of(
                        () -> runs.search("a", few, Lifecycle.DELETED_ONLY, List.of(), List.of(), Start.BEGINNING, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> runs.names("a", several))).isEqualTo(1);
        assertThat(watched.of(() -> runs.names("a", few))).isZero();
        assertThat(watched.of(() -> runs.newest("a", Optional.of(group.id()), Optional.empty(), 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> runs.newest("a", Optional.empty(), Optional.empty(), 10)))
                .isZero();
        assertThat(watched.of(() -> runs.find("a", one.id()))).isZero();
    }

    @Test
    void searchesOfExperimentsAndLoggedModelsThatNoIndexServesTakeTurns() {
        var watched = new WatchedSearches(database);
        var groups = new SqlExperimentStore(watched);
        for (String order : List.of("name", "last_update_time DESC", "creation_time ASC")) {
            var by = SearchParser.order(SearchKeys.EXPERIMENTS, List.of(order));
            assertThat(watched.of(() -> groups.search("a", Lifecycle.ALL, List.of(), by, Start.BEGINNING, 10)))
                    .as(order)
                    .isEqualTo(1);
        }
        assertThat(watched.of(
                        () -> groups.search("a", Lifecycle.DELETED_ONLY, List.of(), List.of(), Start.BEGINNING, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> groups.dataSets("a", List.of(group.id())))).isEqualTo(1);
        assertThat(watched.of(() -> groups.findByName("a", "bikes"))).isZero();
        var models = new SqlLoggedModelStore(watched);
        List<Long> few = List.of(group.id());
        List<Long> several = List.of(group.id(), group.id() + 1);
        var byMetric = List.of(new LoggedModelStore.Order(true, "loss", false, Optional.empty(), Optional.empty()));
        var data = List.of(new LoggedModelStore.DataSetRef("data", Optional.empty()));
        assertThat(watched.of(() -> models.search("a", few, List.of(), List.of(), byMetric, 0, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> models.search("a", few, List.of(), data, List.of(), 0, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> models.search("a", several, List.of(), List.of(), List.of(), 0, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> models.search("a", few, List.of(), List.of(), List.of(), 10, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> models.search("a", few, List.of(), List.of(), List.of(), 0, 10)))
                .isZero();
        assertThat(watched.of(() -> models.find("a", "m-1"))).isZero();
    }

    /** What takes no turn is served by an index on both databases. */
    @Test
    void theNewestExperimentsAndLoggedModelsAreFoundByAnIndex() {
        for (int i = 0; i < 600; i++) {
            experiments.insert("a", "e" + i, Optional.empty(), ROOT, NOW.plusMillis(i / 3));
        }
        database.writing(handle -> handle.execute("INSERT INTO logged_model (id, project, experiment_id, name,"
                + " model_type, status, status_message, source_run, artifacts, deleted, created_at, updated_at)"
                + " SELECT 'm-' || e.id || '-' || f.id, 'a', " + group.id()
                + ", 'm', '', 'LOGGED_MODEL_READY', '', '', '',"
                + " FALSE, e.created_at, 0 FROM experiment e, experiment f WHERE f.id % 100 = 0"));
        Plans.analyze(database);
        var watched = new WatchedSearches(database);
        var groups = new SqlExperimentStore(watched);
        for (String order : List.of("", "creation_time DESC", "experiment_id", "experiment_id DESC")) {
            var by = SearchParser.order(SearchKeys.EXPERIMENTS, order.isEmpty() ? List.of() : List.of(order));
            assertThat(watched.of(() -> isInOrder(Plans.of(
                            database,
                            () -> assertThat(groups.search(
                                                    "a", Lifecycle.ACTIVE_ONLY, List.of(), by, Start.BEGINNING, 10)
                                            .items())
                                    .hasSize(10)))))
                    .as(order)
                    .isZero();
        }
        var models = new SqlLoggedModelStore(watched);
        isInOrder(Plans.of(
                database,
                () -> assertThat(models.search("a", List.of(group.id()), List.of(), List.of(), List.of(), 0, 10)
                                .items())
                        .hasSize(10)));
    }

    private static void isInOrder(List<String> plans) {
        assertThat(plans.getFirst())
                .doesNotContain(
                        "Seq Scan on experiment e", "Seq Scan on logged_model m", "Sort Key", "USE TEMP B-TREE");
    }

    @Test
    void whatAnImportCutsEndsWithAWholeCharacter() {
        var imports = new Imports(
                experiments,
                store,
                new SqlLoggedModelStore(database),
                new SqlTraceStore(database),
                database,
                new SqlEventLog(database, Clock.systemUTC()),
                Clock.systemUTC(),
                ROOT);
        String halved = "x".repeat(79) + "\ud83d\ude00" + "x".repeat(300);
        var told = new Imports.TakenExperiment(
                77, "bikes", false, NOW, NOW, Map.of("long", "x".repeat(19_999) + "\ud83d\ude00", halved, "name"));
        Imports.Placed placed = imports.experiment("a", told, "ada");
        assertThat(placed.experiment().tags()).containsEntry("long", "x".repeat(19_999));
        assertThat(placed.left()).hasSize(2);
    }

    private Tracking tracking() {
        var log = new SqlEventLog(database, Clock.systemUTC());
        return new Tracking(
                store,
                new SqlLoggedModelStore(database),
                new Experiments(experiments, store, database, log, Clock.systemUTC(), ROOT),
                database,
                log,
                Clock.systemUTC());
    }

    @Test
    void aPageOfLargeRunsIsShortAndTheOthersFollow() {
        var params = new java.util.HashMap<String, String>();
        for (int i = 0; i < 60; i++) {
            params.put("p" + i, "x".repeat(6_000));
        }
        for (int i = 0; i < 60; i++) {
            store.addParams(add(group, "r" + i, i), params);
        }
        var pages = new java.util.ArrayList<Integer>();
        var names = new java.util.HashSet<String>();
        boolean more = true;
        while (more) {
            var found = store.search(
                    "a",
                    List.of(group.id()),
                    Lifecycle.ALL,
                    List.of(),
                    List.of(),
                    new Start(names.size(), Optional.empty()),
                    1000);
            found.runs().forEach(run -> names.add(run.name()));
            pages.add(found.runs().size());
            more = found.more();
        }
        assertThat(names).hasSize(60);
        assertThat(pages).hasSizeBetween(2, 4);
    }

    private void addLarge(String name, int second, int params, String text) {
        var all = new java.util.HashMap<String, String>();
        for (int i = 0; i < params; i++) {
            all.put("p" + i, text);
        }
        store.addParams(add(group, name, second), all);
    }

    @Test
    void thePagesOfTheNewestRunsEndAtTheirBoundAndGoOnExactlyThere() {
        List<Integer> params = List.of(1, 900, 900, 900, 3_000, 2, 2, 1_200, 1_200, 1);
        for (int i = 0; i < params.size(); i++) {
            addLarge("r" + i, i, params.get(i), "x".repeat(6_000));
        }
        List<String> all = store.ids("a", List.of(group.id()), Lifecycle.ALL, List.of(), 100).stream()
                .map(RunId::value)
                .sorted(java.util.Comparator.reverseOrder())
                .toList();
        assertThat(all).hasSize(params.size());
        var seen = new ArrayList<String>();
        boolean more = true;
        while (more) {
            var found = store.newest(
                    "a", Optional.of(group.id()), seen.isEmpty() ? Optional.empty() : Optional.of(seen.getLast()), 4);
            assertThat(found.runs()).hasSizeBetween(1, 4);
            long texts = found.runs().stream()
                    .mapToLong(run -> run.params().size() * 6_000L)
                    .sum();
            if (found.runs().size() > 1) {
                assertThat(texts).isLessThanOrEqualTo(RowBytes.MOST_OF_PAGE);
            }
            found.runs().forEach(run -> seen.add(run.id().value()));
            more = found.more();
        }
        assertThat(seen).isEqualTo(all);
    }

    @Test
    void whatIsReadCountsToTheRequestBeforeItIsRead() {
        addLarge("latin", 1, 500, "x".repeat(6_000));
        addLarge("wide", 2, 500, "x".repeat(5_999) + "\u0416");
        List<RunId> ids = store.ids("a", List.of(group.id()), Lifecycle.ALL, List.of(), 100);
        var budget = new BytesInFlight(20_000_000);
        try (var request = budget.open("ada")) {
            RequestMemory.of(request, () -> store.find("a", ids.get(1)));
            assertThat(budget.taken()).isBetween(3_000_000L, 3_200_000L);
            RequestMemory.of(request, () -> store.find("a", ids.get(0)));
            assertThat(budget.taken()).isBetween(9_000_000L, 9_400_000L);
        }
        assertThat(budget.taken()).isZero();
        try (var small = new BytesInFlight(2_000_000).open("ada")) {
            assertThatThrownBy(() -> RequestMemory.of(small, () -> store.find("a", ids.get(1))))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.TOO_LARGE));
            assertThat(RequestMemory.of(small, () -> store.findInfo("a", ids.get(1)))
                            .orElseThrow()
                            .name())
                    .isEqualTo("latin");
        }
        try (var request = budget.open("ada");
                var other = budget.open("bob")) {
            other.take(16_000_000);
            assertThatThrownBy(() -> RequestMemory.of(
                            request,
                            () -> database.write(
                                    () -> store.find("a", ids.get(1)).orElseThrow())))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
        }
        assertThat(store.find("a", ids.get(1)).orElseThrow().params()).hasSize(500);
    }

    @Test
    void everyPointComesInOrderOfTimeAlsoWhereStepsFall() {
        RunState run = add(group, "s", 0);
        store.addPoints(run, List.of(point("up", 1, 1, 1), point("up", 2, 2, 2), point("up", 2, 2, 3)));
        store.addPoints(run, List.of(point("down", 3, 1, 1), point("down", 2, 2, 2), point("down", 1, 2, Double.NaN)));
        for (String metric : List.of("up", "down")) {
            var all = new java.util.ArrayList<MetricPoint>();
            store.eachPoint(run, metric, all::add);
            assertThat(all).hasSize(3).isEqualTo(store.history(run, metric, false, Optional.empty(), 10));
        }
        store.eachPoint(run, "unknown", point -> {
            throw new AssertionError(point);
        });
    }
}
