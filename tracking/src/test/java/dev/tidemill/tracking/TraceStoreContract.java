package dev.tidemill.tracking;

import static dev.tidemill.tracking.domain.TraceMetrics.Kind.AVG;
import static dev.tidemill.tracking.domain.TraceMetrics.Kind.COUNT;
import static dev.tidemill.tracking.domain.TraceMetrics.Kind.MAX;
import static dev.tidemill.tracking.domain.TraceMetrics.Kind.MIN;
import static dev.tidemill.tracking.domain.TraceMetrics.Kind.SUM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import dev.tidemill.testkit.MovableClock;
import dev.tidemill.testkit.store.Plans;
import dev.tidemill.testkit.store.WatchedSearches;
import dev.tidemill.tracking.domain.Assessment;
import dev.tidemill.tracking.domain.Assessment.Kind;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Imports;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.RunStore;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.tracking.domain.Trace.State;
import dev.tidemill.tracking.domain.TraceKeys;
import dev.tidemill.tracking.domain.TraceMetrics;
import dev.tidemill.tracking.domain.TraceMetrics.Aggregation;
import dev.tidemill.tracking.domain.TraceMetrics.View;
import dev.tidemill.tracking.domain.TraceSpan;
import dev.tidemill.tracking.domain.Traces;
import dev.tidemill.tracking.store.SqlExperimentStore;
import dev.tidemill.tracking.store.SqlLoggedModelStore;
import dev.tidemill.tracking.store.SqlRunStore;
import dev.tidemill.tracking.store.SqlTraceStore;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the store of traces promises, seen through the use cases, on every database. */
abstract class TraceStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-25T08:00:00Z");
    private Database database;
    private SqlRunStore runs;

    @TempDir
    Path folder;

    private Traces traces;
    private String experiment;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        runs = new SqlRunStore(database);
        var clock = new MovableClock(NOW);
        var events = new dev.tidemill.platform.events.SqlEventLog(database, clock);
        var experiments =
                new Experiments(new SqlExperimentStore(database), runs, database, events, clock, "mlflow-artifacts:");
        experiment = experiments
                .create("a", "app", Optional.empty(), Map.of(), "ada")
                .reference();
        var artifacts = new ArtifactsModule(
                database,
                folder,
                1 << 20,
                List.of(ArtifactsModule.SCHEMA),
                "mlflow-artifacts:",
                Map.of(),
                new DeletionHold(),
                clock);
        traces = new Traces(new SqlTraceStore(database), runs, experiments, artifacts.located(), database, clock);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private Trace put(String id, State state, long millis, Map<String, String> tags) {
        return traces.put(
                "a",
                new Trace(
                        id,
                        "a",
                        Long.parseLong(experiment),
                        state,
                        NOW.plusMillis(millis),
                        Optional.of(millis),
                        Optional.empty(),
                        "asked",
                        "answered",
                        tags,
                        Map.of("mlflow.user", "ada"),
                        List.of()));
    }

    private static TraceSpan span(String id, Optional<String> parent, String name, String attributes) {
        return new TraceSpan(
                id,
                parent,
                name,
                "TOOL",
                "OK",
                1_000_000_000L,
                Optional.of(3_000_000_000L),
                attributes,
                "{\"name\":\"" + name + "\"}");
    }

    private void addSpans(String trace, TraceSpan... spans) {
        traces.addSpans(
                "a",
                experiment,
                List.of(new Traces.Spans(trace, List.of(spans), "in", "out", Map.of(), Map.of(), Map.of())),
                Optional.empty());
    }

    private List<String> search(String filter, String... order) {
        return traces.search("a", List.of(experiment), filter, List.of(order), Optional.empty(), 100).items().stream()
                .map(Trace::id)
                .toList();
    }

    private List<String> manyExperiments(int count) {
        return Stream.concat(
                        Stream.of(experiment),
                        IntStream.range(1, count).mapToObj(i -> Integer.toString(10_000_000 + i)))
                .toList();
    }

    /** As often as its clauses, a list of ids would fill the heap. */
    @Test
    void manyExperimentsAreNamedOnceHoweverManyClausesThereAre() {
        put("tr-1", State.OK, 5, Map.of(Trace.NAME_TAG, "ask"));
        put("tr-2", State.OK, 5, Map.of(Trace.NAME_TAG, "ask"));
        traces.assess("a", judged("tr-1", "calm", "true"));
        String filter = String.join(" AND ", Collections.nCopies(50, "feedback.calm = 'true'"));
        List<String> experiments = manyExperiments(10_000);
        var few = experiments.subList(0, 60);
        allocated(few, filter);
        assertThat(allocated(experiments, filter) - allocated(few, filter)).isLessThan(32L << 20);
        var found = traces.search("a", experiments, filter, List.of(), Optional.empty(), 100);
        assertThat(found.items()).extracting(Trace::id).containsExactly("tr-1");
        assertThat(traces.together("a", experiments, "feedback.calm = 'true'", "feedback.calm IS NULL", ""))
                .isEqualTo(new Traces.Together(1, 1, 0, 2));
        var counted = TraceMetrics.query(
                View.TRACES,
                "trace_count",
                List.of(of(COUNT)),
                List.of(),
                List.of("trace.status = 'OK'"),
                0,
                Optional.empty(),
                Optional.empty());
        assertThat(traces.metrics("a", experiments, counted, Optional.empty(), 10)
                        .items())
                .containsExactly(point(List.of(), Map.of("COUNT", 2.0)));
    }

    private long allocated(List<String> experiments, String filter) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        traces.search("a", experiments, filter, List.of(), Optional.empty(), 100);
        return threads.getCurrentThreadAllocatedBytes() - before;
    }

    @Test
    void moreExperimentsThanASearchTakesAreRefusedWithTheirNumber() {
        assertThatThrownBy(() -> traces.search("a", manyExperiments(10_001), "", List.of(), Optional.empty(), 100))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                .hasMessageContaining("at most 10000 experiments")
                .hasMessageContaining("10001");
        var same = Collections.nCopies(20_000, experiment);
        assertThat(traces.search("a", same, "", List.of(), Optional.empty(), 100)
                        .items())
                .as("an id that comes again is no other")
                .isEmpty();
    }

    /** A statement takes some 32,000 values; a caller may name more. */
    @Test
    void moreIdsThanAStatementTakesValuesAreAskedForAtOnce() {
        put("tr-1", State.OK, 1, Map.of());
        put("tr-2", State.OK, 2, Map.of());
        var ids = new ArrayList<>(
                IntStream.range(0, 40_000).mapToObj(i -> "absent-" + i).toList());
        ids.add("tr-2");
        ids.add("it's \"tr\" \\ \u00e4 \ud83d\ude00");
        var store = new SqlTraceStore(database);
        assertThat(store.findAll("a", ids)).extracting(Trace::id).containsExactly("tr-2");
        assertThat(traces.delete("a", experiment, ids)).isEqualTo(1);
        assertThat(store.findAll("a", List.of("tr-1", "tr-2")))
                .extracting(Trace::id)
                .containsExactly("tr-1");
    }

    @Test
    void whatIsToldComesBack() {
        Trace made = put("tr-1", State.OK, 5, Map.of("k", "v"));
        assertThat(made.tags()).containsEntry("k", "v").containsKey(Trace.LOCATION_TAG);
        assertThat(made.metadata()).containsEntry("mlflow.user", "ada");
        assertThat(made.executionMillis()).contains(5L);
        assertThatThrownBy(() -> traces.get("b", "tr-1")).isInstanceOf(TidemillException.class);
        assertThatThrownBy(() -> traces.get("a", "tr-2")).hasMessageContaining("Trace with ID 'tr-2' not found");
    }

    @Test
    void spansAloneMakeATraceAndWhatTheClientTellsWins() {
        addSpans("tr-1", span("b", Optional.of("a"), "child", "{\"n\":\"3\"}"));
        assertThat(traces.get("a", "tr-1").state()).isEqualTo(State.IN_PROGRESS);
        addSpans("tr-1", span("a", Optional.empty(), "root", "{}"));
        Trace ended = traces.get("a", "tr-1");
        assertThat(ended.state()).isEqualTo(State.OK);
        assertThat(ended.requestPreview()).isEqualTo("in");
        assertThat(ended.requestedAt()).isEqualTo(Instant.ofEpochMilli(1000));
        assertThat(ended.executionMillis()).contains(2000L);
        assertThat(ended.tags()).containsEntry(Trace.NAME_TAG, "root").containsEntry(Trace.SPANS_TAG, Trace.KEPT_HERE);
        put("tr-1", State.ERROR, 7, Map.of());
        assertThat(traces.get("a", "tr-1").state()).isEqualTo(State.ERROR);
        // The same spans again, as after a lost answer, change nothing.
        addSpans("tr-1", span("a", Optional.empty(), "root", "{}"));
        assertThat(traces.get("a", "tr-1").state()).isEqualTo(State.ERROR);
        assertThat(traces.getWhole("a", "tr-1").spans())
                .extracting(TraceSpan::id)
                .containsExactly("a", "b");
    }

    @Test
    void tokensAreSummedOverATraceHoweverItsSpansArrive() {
        String ten = "{\"mlflow.chat.tokenUsage\":\"{\\\"input_tokens\\\":10,\\\"output_tokens\\\":5}\"}";
        addSpans("tr-1", span("c", Optional.of("b"), "below", ten));
        addSpans("tr-1", span("b", Optional.of("a"), "call", ten), span("d", Optional.of("a"), "call", ten));
        addSpans("tr-1", span("a", Optional.empty(), "root", "{}"));
        addSpans("tr-1", span("d", Optional.of("a"), "call", ten));
        assertThat(traces.get("a", "tr-1").metadata())
                .containsEntry(
                        Trace.USAGE_METADATA, "{\"input_tokens\": 20, \"output_tokens\": 10, \"total_tokens\": 30}");
        traces.put(
                "a",
                traces.get("a", "tr-1")
                        .with(Map.of(), Map.of(Trace.USAGE_METADATA, "{\"total_tokens\": 7}"), List.of()));
        addSpans("tr-1", span("e", Optional.of("a"), "late", ten));
        assertThat(traces.get("a", "tr-1").metadata()).containsEntry(Trace.USAGE_METADATA, "{\"total_tokens\": 7}");
    }

    @Test
    void spansThatComeAfterTheRootWidenTheTraceAndTagsOfAnyNameAreKept() {
        addSpans("tr-1", span("a", Optional.empty(), "root", "{}"));
        addSpans(
                "tr-1",
                new TraceSpan(
                        "b",
                        Optional.of("a"),
                        "late",
                        "TOOL",
                        "OK",
                        500_000_000L,
                        Optional.of(9_000_000_000L),
                        "{}",
                        "{}"));
        Trace wide = traces.get("a", "tr-1");
        assertThat(wide.requestedAt()).isEqualTo(Instant.ofEpochMilli(500));
        assertThat(wide.executionMillis()).contains(8500L);
        Trace told = put("tr-2", State.OK, 5, Map.of("git#commit", "1", "user@host", "2"));
        assertThat(told.tags()).containsEntry("git#commit", "1").containsEntry("user@host", "2");
        assertThatThrownBy(() -> traces.putTags("a", "tr-2", Map.of("git#commit", "3")))
                .hasMessageContaining("Names may only contain");
    }

    @Test
    void searchesByEverything() {
        addSpans("tr-1", span("a", Optional.empty(), "ask", "{\"llm.model\":\"big\"}"));
        put("tr-1", State.OK, 5, Map.of("team", "x", Trace.NAME_TAG, "ask"));
        put("tr-2", State.ERROR, 9, Map.of(Trace.NAME_TAG, "tell"));
        traces.assess("a", judged("tr-1", "good", "true"));
        traces.assess("a", judged("tr-1", "score", "0.75"));
        traces.assess("a", judged("tr-2", "word", "\"yes\""));
        assertThat(search("")).containsExactly("tr-2", "tr-1");
        assertThat(search("", "timestamp ASC")).containsExactly("tr-1", "tr-2");
        assertThat(search("trace.status = 'OK'")).containsExactly("tr-1");
        assertThat(search("status IN ('OK', 'ERROR')")).hasSize(2);
        assertThat(search("name = 'tell'")).containsExactly("tr-2");
        assertThat(search("tags.team = 'x'")).containsExactly("tr-1");
        assertThat(search("tags.team IS NULL")).containsExactly("tr-2");
        assertThat(search("tags.team IS NOT NULL")).containsExactly("tr-1");
        assertThat(search("metadata.`mlflow.user` LIKE 'a%'")).hasSize(2);
        assertThat(search("execution_time > 6")).containsExactly("tr-2");
        assertThat(search("span.name = 'ask' AND span.type = 'TOOL'")).containsExactly("tr-1");
        assertThat(search("span.attributes.llm.model ILIKE 'BI%'")).containsExactly("tr-1");
        assertThat(search("trace.text LIKE '%ask%'")).containsExactly("tr-1");
        assertThat(search("trace.text RLIKE '[a-c]sk'")).containsExactly("tr-1");
        assertThat(search("span.name RLIKE '^a.k$' AND tags.team RLIKE '\\bx\\b'"))
                .containsExactly("tr-1");
        assertThat(search("span.attributes.llm.model RLIKE '^BI'")).isEmpty();
        assertThat(search("span.attributes.llm.model RLIKE '(?i)^BI'")).containsExactly("tr-1");
        assertThat(search("request_id RLIKE '-[2-9]$'")).containsExactly("tr-2");
        assertThat(search("feedback.word RLIKE '^y(es)?$'")).containsExactly("tr-2");
        for (String refused : List.of("[", "(?=x)", "(a)\\1")) {
            assertThatThrownBy(() -> search("span.name RLIKE '" + refused + "'"))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("regular expression");
        }
        assertThat(search("feedback.good = 'true'")).containsExactly("tr-1");
        assertThat(search("feedback.score > 0.7")).containsExactly("tr-1");
        assertThat(search("feedback.score < 0.7")).isEmpty();
        assertThat(search("feedback.word = 'yes'")).containsExactly("tr-2");
        assertThat(search("feedback.word IS NULL")).containsExactly("tr-1");
        assertThatThrownBy(() -> search("span.nonsense = 'x'")).isInstanceOf(TidemillException.class);
        assertThat(traces.together("a", List.of(experiment), "status = 'OK'", "tags.team = 'x'", ""))
                .isEqualTo(new Traces.Together(1, 1, 1, 2));
    }

    @Test
    void oneSpanMatchesAllThatIsAskedOfSpans() {
        addSpans(
                "tr-1",
                span("a", Optional.empty(), "ask", "{\"n\":\"1\"}"),
                span("b", Optional.of("a"), "look", "{\"n\":\"2\"}"));
        assertThat(search("span.name = 'look' AND span.attributes.n = '2'")).containsExactly("tr-1");
        assertThat(search("span.name = 'look' AND span.attributes.n = '1'")).isEmpty();
        assertThat(search("span.name = 'look' AND trace.text LIKE '%\"ask\"%'")).isEmpty();
        assertThat(search("span.name = 'look' AND span.name != 'ask' AND status = 'OK'"))
                .containsExactly("tr-1");
    }

    @Test
    void whatIsSaidOfASessionIsSaidOfItsTraces() {
        for (String trace : List.of("tr-1", "tr-2", "tr-3")) {
            put(trace, State.OK, 5, Map.of());
            new SqlTraceStore(database)
                    .putMetadata("a", trace, Map.of(Trace.SESSION_METADATA, trace.equals("tr-3") ? "other" : "one"));
        }
        traces.assess("a", judged("", "tr-1", "calm", "true", Map.of(Trace.SESSION_METADATA, "one")));
        traces.assess("a", judged("tr-1", "short", "0.5"));
        assertThat(search("feedback.calm = 'true'")).containsExactly("tr-1", "tr-2");
        assertThat(search("feedback.calm IS NOT NULL")).containsExactly("tr-1", "tr-2");
        assertThat(search("feedback.calm IS NULL")).containsExactly("tr-3");
        assertThat(search("feedback.calm = 'false'")).isEmpty();
        assertThat(search("feedback.short > 0.1")).containsExactly("tr-1");
    }

    @Test
    void tagsOfTheApplicationChangeThoseThatAreThereAndThoseOfWhereItRunsDoNot() {
        put("tr-1", State.STATE_UNSPECIFIED, 5, Map.of("team", "x", "service.name", "shop"));
        traces.addSpans(
                "a",
                experiment,
                List.of(new Traces.Spans(
                        "tr-1",
                        List.of(span("a", Optional.empty(), "root", "{}")),
                        "in",
                        "out",
                        Map.of("service.name", "till", "replicas", "3"),
                        Map.of("team", "y"),
                        Map.of())),
                Optional.empty());
        Trace trace = traces.get("a", "tr-1");
        assertThat(trace.state()).isEqualTo(State.OK);
        assertThat(trace.tags())
                .containsEntry("team", "y")
                .containsEntry("service.name", "shop")
                .containsEntry("replicas", "3")
                .containsEntry(Trace.NAME_TAG, "root");
    }

    @Test
    void promptsThatAreLinkedFromAllSidesAreKept() {
        put("tr-1", State.OK, 5, Map.of());
        var outcomes = Contention.of(5, (thread, turn) -> {
            traces.linkPrompts("a", "tr-1", known -> known + "(" + thread + "," + turn + ")");
            return turn;
        });
        assertThat(outcomes.refusals()).isEmpty();
        assertThat(traces.get("a", "tr-1")
                        .tags()
                        .getOrDefault(Trace.PROMPTS_TAG, "")
                        .split("\\)"))
                .doesNotHaveDuplicates()
                .hasSize(5 * Contention.THREADS);
        assertThatThrownBy(() -> traces.linkPrompts("a", "tr-2", known -> known))
                .hasMessage("Trace with ID 'tr-2' not found.");
    }

    @Test
    void veryManyTracesGoInShortUnitsTheOldestFirst() {
        for (int i = 0; i < 40; i++) {
            put("tr-" + i, State.OK, i, Map.of());
        }
        database.writing(handle -> handle.execute("INSERT INTO trace (id, project, experiment_id, state, requested_at,"
                + " execution_ms, request_preview, response_preview) SELECT t.id || '-' || u.id, 'a', t.experiment_id, 'OK',"
                + " t.requested_at - 1000, 1, '', '' FROM trace t, trace u"));
        assertThat(traces.deleteOlder("a", "99999", NOW.plusSeconds(60), 0)).isZero();
        assertThat(traces.deleteOlder("a", experiment, NOW.plusSeconds(60), 1_100))
                .isEqualTo(1_100);
        assertThat(traces.deleteOlder("a", experiment, NOW.plusMillis(9), 0)).isEqualTo(510);
        assertThat(search("")).hasSize(30).contains("tr-10").doesNotContain("tr-9");
        assertThat(traces.delete("a", "99999", List.of("tr-10"))).isZero();
    }

    @Test
    void anAssessmentOfAKnownIdIsRefusedUnlessItComesWithItsTraceAgain() {
        put("tr-1", State.OK, 5, Map.of());
        put("tr-2", State.OK, 5, Map.of());
        Assessment told = judged("a-1", "tr-1", "good", "true", Map.of());
        traces.assess("a", told);
        assertThatThrownBy(() -> traces.assess("a", told)).hasMessageContaining("'a-1' exists already");
        Trace there = traces.get("a", "tr-1");
        Assessment other = judged("a-1", "tr-1", "good", "false", Map.of());
        traces.put("a", there.with(Map.of(), Map.of(), List.of(other)));
        assertThat(traces.assessment("a", "tr-1", "a-1").value()).isEqualTo("false");
        Assessment elsewhere = judged("a-1", "tr-2", "good", "true", Map.of());
        Trace second = traces.get("a", "tr-2").with(Map.of("new", "x"), Map.of(), List.of(elsewhere));
        assertThatThrownBy(() -> traces.put("a", second)).hasMessageContaining("exists already");
        assertThat(traces.get("a", "tr-2").tags()).doesNotContainKey("new");
        traces.removeAssessment("a", "tr-absent", "a-1");
        assertThatThrownBy(() -> traces.assessment("a", "tr-absent", "a-1"))
                .hasMessage("Trace with request_id 'tr-absent' not found");
    }

    private static Assessment judged(String trace, String name, String value) {
        return judged("", trace, name, value, Map.of());
    }

    private static Assessment judged(String id, String trace, String name, String value, Map<String, String> metadata) {
        return new Assessment(
                id,
                trace,
                name,
                Kind.FEEDBACK,
                value,
                "{\"value\":" + value + "}",
                Optional.empty(),
                "HUMAN",
                "ada",
                Optional.empty(),
                metadata,
                Optional.empty(),
                true,
                Instant.EPOCH,
                Instant.EPOCH);
    }

    @Test
    void whatOverridesAnAssessmentMakesItInvalidUntilItIsGone() {
        put("tr-1", State.OK, 5, Map.of());
        Assessment first = traces.assess("a", judged("tr-1", "good", "true"));
        Assessment told = judged("tr-1", "good", "false");
        Assessment second = traces.assess(
                "a",
                new Assessment(
                        "",
                        "tr-1",
                        "good",
                        told.kind(),
                        told.value(),
                        told.content(),
                        Optional.empty(),
                        "HUMAN",
                        "ada",
                        Optional.of("no"),
                        Map.of("k", "v"),
                        Optional.of(first.id()),
                        true,
                        Instant.EPOCH,
                        Instant.EPOCH));
        assertThat(traces.assessment("a", "tr-1", first.id()).valid()).isFalse();
        Trace again = traces.get("a", "tr-1");
        traces.put("a", again.with(Map.of(), Map.of(), List.of(first)));
        assertThat(traces.assessment("a", "tr-1", first.id()).valid())
                .as("sent again with its trace")
                .isFalse();
        assertThat(traces.get("a", "tr-1").assessments()).hasSize(2);
        traces.removeAssessment("a", "tr-1", second.id());
        assertThat(traces.assessment("a", "tr-1", first.id()).valid()).isTrue();
        var change =
                new Assessment.Change(Optional.empty(), Optional.empty(), Optional.of("because"), Map.of("more", "m"));
        assertThat(traces.reassess("a", "tr-1", first.id(), change).rationale()).contains("because");
        assertThat(traces.assessment("a", "tr-1", first.id()).metadata()).containsEntry("more", "m");
        var cleared = new Assessment.Change(Optional.empty(), Optional.empty(), Optional.of(""), Map.of());
        assertThat(traces.reassess("a", "tr-1", first.id(), cleared).rationale())
                .isEmpty();
    }

    @Test
    void belongsToRunsAndGoesWithEverything() {
        put("tr-1", State.OK, 5, Map.of());
        put("tr-2", State.OK, 6, Map.of());
        put("tr-3", State.OK, 7, Map.of());
        var group = new SqlExperimentStore(database)
                .find("a", Long.parseLong(experiment))
                .orElseThrow();
        Run run = Run.started(RunId.next(), group, "r", Optional.empty(), "ada", NOW);
        runs.insert(run);
        traces.link("a", List.of("tr-1", "nobody"), run.id());
        assertThat(search("run_id = '" + run.id().value() + "'")).containsExactly("tr-1");
        assertThat(traces.delete("a", experiment, List.of("tr-3", "nobody"))).isEqualTo(1);
        assertThat(traces.deleteOlder("a", experiment, NOW.plusSeconds(60), 1)).isEqualTo(1);
        assertThat(search("")).containsExactly("tr-2");
    }

    @Test
    void tagsAndSpansOfOneTraceFromAllSidesAreKept() {
        put("tr-all", State.IN_PROGRESS, 0, Map.of());
        Contention.of(5, (thread, turn) -> {
                    traces.putTags("a", "tr-all", Map.of(thread + "/" + turn, "v"));
                    return true;
                })
                .allAnswered();
        assertThat(traces.get("a", "tr-all").tags().keySet().stream().filter(name -> name.matches("\\d/\\d")))
                .hasSize(5 * Contention.THREADS);
    }

    private List<TraceMetrics.Point> measured(
            View view, String metric, List<Aggregation> aggregations, List<String> dimensions, String... filters) {
        var query = TraceMetrics.query(
                view, metric, aggregations, dimensions, List.of(filters), 0, Optional.empty(), Optional.empty());
        return traces.metrics("a", List.of(experiment), query, Optional.empty(), 100)
                .items();
    }

    private static Aggregation of(TraceMetrics.Kind kind) {
        return new Aggregation(kind, OptionalDouble.empty());
    }

    private static Aggregation percentile(double value) {
        return new Aggregation(TraceMetrics.Kind.PERCENTILE, OptionalDouble.of(value));
    }

    private static TraceMetrics.Point point(List<String> dimensions, Map<String, Double> values) {
        return new TraceMetrics.Point(Optional.empty(), dimensions, values);
    }

    /** Percentile of sorted values by its definition: linear between the two around it. */
    private static double quantile(double[] sorted, double fraction) {
        double place = fraction * (sorted.length - 1);
        int below = (int) Math.floor(place);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }

    @Test
    void percentilesAndMeansAreThoseOfTheDefinition() {
        var random = new Random(7);
        double[] millis = random.longs(41, 0, 5000).asDoubleStream().toArray();
        for (int i = 0; i < millis.length; i++) {
            put("tr-" + i, State.OK, (long) millis[i], Map.of(Trace.NAME_TAG, "all"));
        }
        Arrays.sort(millis);
        var asked =
                List.of(of(AVG), of(MIN), of(MAX), percentile(0), percentile(50), percentile(99.9), percentile(100));
        var values =
                measured(View.TRACES, "latency", asked, List.of()).getFirst().values();
        assertThat(values.get("AVG")).isCloseTo(Arrays.stream(millis).average().orElseThrow(), within(1e-9));
        assertThat(values).containsEntry("MIN", millis[0]).containsEntry("MAX", millis[40]);
        for (double percentile : List.of(0.0, 50.0, 99.9, 100.0)) {
            assertThat(values.get("P" + percentile)).isCloseTo(quantile(millis, percentile / 100), within(1e-9));
        }
    }

    @Test
    void tracesAreMeasuredByTimeAndNameAndWhatHasNoValueIsInNoPoint() {
        put("tr-1", State.OK, 1000, Map.of(Trace.NAME_TAG, "ask"));
        put("tr-2", State.ERROR, 61_000, Map.of(Trace.NAME_TAG, "ask"));
        put("tr-3", State.OK, 62_000, Map.of(Trace.NAME_TAG, "tell", "team", "x"));
        put("tr-4", State.OK, 63_000, Map.of());
        var store = new SqlTraceStore(database);
        store.putMetadata("a", "tr-1", Map.of(Trace.USAGE_METADATA, "{\"input_tokens\": 10, \"total_tokens\": 12}"));
        store.putMetadata("a", "tr-2", Map.of(Trace.USAGE_METADATA, "{\"input_tokens\": \"many\"}"));
        store.putMetadata("a", "tr-3", Map.of(Trace.USAGE_METADATA, "no {\"input_tokens\": 3} at all"));
        store.putMetadata("a", "tr-4", Map.of(Trace.USAGE_METADATA, "{\"input_tokens\":30}"));
        List.of("tr-1", "tr-2").forEach(id -> store.putMetadata("a", id, Map.of(Trace.SESSION_METADATA, "s")));
        assertThat(measured(View.TRACES, "trace_count", List.of(of(COUNT)), List.of("trace_name", "trace_status")))
                .containsExactly(
                        point(List.of("ask", "ERROR"), Map.of("COUNT", 1.0)),
                        point(List.of("ask", "OK"), Map.of("COUNT", 1.0)),
                        point(List.of("tell", "OK"), Map.of("COUNT", 1.0)));
        assertThat(measured(View.TRACES, "input_tokens", List.of(of(SUM), percentile(50)), List.of()))
                .containsExactly(point(List.of(), Map.of("SUM", 40.0, "P50.0", 20.0)));
        assertThat(measured(View.TRACES, "session_count", List.of(of(COUNT)), List.of()))
                .containsExactly(point(List.of(), Map.of("COUNT", 1.0)));
        assertThat(measured(View.TRACES, "output_tokens", List.of(of(SUM)), List.of()))
                .isEmpty();
        assertThat(measured(View.TRACES, "trace_count", List.of(of(COUNT)), List.of(), "trace.tag.team = 'x'"))
                .containsExactly(point(List.of(), Map.of("COUNT", 1.0)));
        var minutes = TraceMetrics.query(
                View.TRACES,
                "trace_count",
                List.of(of(COUNT)),
                List.of(),
                List.of(),
                60,
                Optional.of(NOW.toEpochMilli()),
                Optional.of(NOW.plusMillis(62_000).toEpochMilli()));
        var first = traces.metrics("a", List.of(experiment), minutes, Optional.empty(), 1);
        assertThat(first.items())
                .containsExactly(
                        new TraceMetrics.Point(Optional.of(NOW.toEpochMilli()), List.of(), Map.of("COUNT", 1.0)));
        assertThat(traces.metrics("a", List.of(experiment), minutes, first.next(), 1)
                        .items())
                .containsExactly(new TraceMetrics.Point(
                        Optional.of(NOW.plusSeconds(60).toEpochMilli()), List.of(), Map.of("COUNT", 2.0)));
    }

    @Test
    void spansAndAssessmentsAreMeasured() {
        String cost = "{\"mlflow.llm.model\":\"big\",\"mlflow.llm.cost\":\"{\\\"total_cost\\\": 0.5}\"}";
        addSpans("tr-1", span("a", Optional.empty(), "ask", cost), span("b", Optional.of("a"), "look", "{}"));
        assertThat(measured(View.SPANS, "span_count", List.of(of(COUNT)), List.of("span_name"), "span.type = 'TOOL'"))
                .containsExactly(
                        point(List.of("ask"), Map.of("COUNT", 1.0)), point(List.of("look"), Map.of("COUNT", 1.0)));
        assertThat(measured(View.SPANS, "latency", List.of(of(MAX)), List.of(), "span.name = 'ask'"))
                .containsExactly(point(List.of(), Map.of("MAX", 2000.0)));
        assertThat(measured(View.SPANS, "total_cost", List.of(of(SUM)), List.of("span_model_name")))
                .containsExactly(point(List.of("big"), Map.of("SUM", 0.5)));
        for (String value : List.of("true", "\"no\"", "0.25", "\"other\"", "[1]")) {
            traces.assess("a", judged("tr-1", "good", value));
        }
        assertThat(measured(View.ASSESSMENTS, "assessment_value", List.of(of(AVG)), List.of("assessment_name")))
                .containsExactly(point(List.of("good"), Map.of("AVG", 1.25 / 3)));
        assertThat(measured(
                        View.ASSESSMENTS,
                        "assessment_count",
                        List.of(of(COUNT)),
                        List.of(),
                        "assessment.type = 'feedback'"))
                .containsExactly(point(List.of(), Map.of("COUNT", 5.0)));
    }

    @Test
    void whatDoesNotGoTogetherIsRefusedBeforeAnythingIsRead() {
        assertThatThrownBy(() -> measured(View.TRACES, "span_count", List.of(of(COUNT)), List.of()))
                .hasMessageStartingWith("metric_name must be one of ['trace_count', 'session_count', 'latency',");
        assertThatThrownBy(() -> measured(View.TRACES, "trace_count", List.of(of(AVG)), List.of()))
                .hasMessage("Found invalid aggregation_type(s): ['AVG']. Supported aggregation types: ['COUNT']");
        assertThatThrownBy(() -> measured(View.SPANS, "latency", List.of(of(AVG)), List.of("span_type")))
                .hasMessageContaining("Found invalid dimension(s): ['span_type']");
        assertThatThrownBy(() -> measured(View.TRACES, "latency", List.of(of(AVG)), List.of(), "span.name = 'x'"))
                .hasMessage("Filtering by span is only supported for SPANS view type, got TRACES");
        assertThatThrownBy(() -> measured(View.TRACES, "latency", List.of(of(AVG)), List.of(), "trace.tag = 'x'"))
                .hasMessageContaining("Filtering by tag requires a key");
        assertThatThrownBy(() -> percentile(100.5)).hasMessageContaining("between 0 and 100, got 100.5");
        assertThatThrownBy(() -> of(TraceMetrics.Kind.PERCENTILE)).hasMessageContaining("is required");
    }

    @Test
    void aTraceIsTakenInWholeOnceAndWhatCannotBeKeptIsSaid() {
        var store = new SqlTraceStore(database);
        var imports = new Imports(
                new SqlExperimentStore(database),
                runs,
                new SqlLoggedModelStore(database),
                store,
                database,
                new dev.tidemill.platform.events.SqlEventLog(database, new MovableClock(NOW)),
                new MovableClock(NOW),
                "mlflow-artifacts:");
        put("tr-other", State.OK, 1, Map.of());
        Assessment taken = traces.assess("a", judged("tr-other", "good", "true"));
        Assessment old = new Assessment(
                "a-1",
                "tr-1",
                "good",
                Kind.FEEDBACK,
                "true",
                "{\"value\":true}",
                Optional.empty(),
                "HUMAN",
                "ada",
                Optional.of("why"),
                Map.of("k", "v"),
                Optional.empty(),
                false,
                NOW,
                NOW.plusMillis(5));
        Assessment clash = new Assessment(
                taken.id(),
                "tr-1",
                "bad",
                Kind.FEEDBACK,
                "1",
                "{\"value\":1}",
                Optional.empty(),
                "HUMAN",
                "ada",
                Optional.empty(),
                Map.of(),
                Optional.empty(),
                true,
                NOW,
                NOW);
        Trace told = new Trace(
                "tr-1",
                "a",
                Long.parseLong(experiment),
                State.ERROR,
                NOW.minusSeconds(9),
                Optional.of(7L),
                Optional.of("c"),
                "in",
                "out",
                Map.of("git#commit", "1", "x".repeat(251), "2", Trace.LOCATION_TAG, "s3://old"),
                Map.of("m", "n"),
                List.of(old, clash));
        var first = imports.trace("a", told, List.of(span("a", Optional.empty(), "root", "{}")));
        assertThat(first.fresh()).isTrue();
        assertThat(first.left())
                .hasSize(2)
                .anyMatch(text -> text.contains("251"))
                .anyMatch(text -> text.contains("1 assessments"));
        Trace here = traces.get("a", "tr-1");
        assertThat(here.requestedAt()).isEqualTo(told.requestedAt());
        assertThat(here.state()).isEqualTo(State.ERROR);
        assertThat(here.tags()).containsEntry("git#commit", "1").containsEntry(Trace.SPANS_TAG, Trace.KEPT_HERE);
        assertThat(here.tags().get(Trace.LOCATION_TAG)).startsWith("mlflow-artifacts:");
        assertThat(here.assessments()).containsExactly(old);
        assertThat(traces.getWhole("a", "tr-1").spans()).hasSize(1);
        traces.putTags("a", "tr-1", Map.of("mine", "since"));
        assertThat(imports.trace("a", told, List.of()).fresh()).isFalse();
        assertThat(traces.get("a", "tr-1").tags()).containsEntry("mine", "since");
    }

    private void putLarge(String id, long millis, int characters) {
        traces.put(
                "a",
                new Trace(
                        id,
                        "a",
                        Long.parseLong(experiment),
                        State.OK,
                        NOW.plusMillis(millis),
                        Optional.empty(),
                        Optional.empty(),
                        "x".repeat(characters),
                        "",
                        Map.of(),
                        Map.of(),
                        List.of()));
    }

    @Test
    void pagesOfLargeTracesEndAtTheirBoundAndGoOnExactlyThere() {
        List<Integer> sizes = List.of(6_000_000, 20_000_000, 9_000_000, 9_000_000, 10, 10, 7_000_000, 7_000_000);
        for (int i = 0; i < sizes.size(); i++) {
            putLarge("tr-" + i, i, sizes.get(i));
        }
        var seen = new ArrayList<String>();
        var pages = new ArrayList<Integer>();
        Optional<String> token = Optional.empty();
        do {
            var page = traces.search("a", List.of(experiment), "", List.of(), token, 3);
            pages.add(page.items().size());
            page.items().forEach(trace -> seen.add(trace.id()));
            token = page.next();
        } while (token.isPresent());
        assertThat(seen).containsExactly("tr-7", "tr-6", "tr-5", "tr-4", "tr-3", "tr-2", "tr-1", "tr-0");
        assertThat(pages).containsExactly(3, 2, 1, 1, 1);
    }

    @Test
    void pagesOfTheNewestGoOnByTheIndexHoweverFarDown() {
        for (int i = 0; i < 40; i++) {
            put("tr-" + i, State.OK, i / 2, Map.of());
        }
        database.writing(handle -> handle.execute("INSERT INTO trace (id, project, experiment_id, state, requested_at,"
                + " execution_ms, request_preview, response_preview) SELECT t.id || '-' || u.id || '-' || v.id, 'a',"
                + " t.experiment_id, 'OK', t.requested_at - 1000 - v.requested_at % 1000, 1, '', '' FROM trace t, trace u, trace v"
                + " WHERE u.id < 'tr-3'"));
        Plans.analyze(database);
        for (List<String> order : List.of(List.<String>of(), List.of("timestamp_ms DESC"))) {
            var seen = new ArrayList<String>();
            Optional<String> token = Optional.empty();
            for (int i = 0; i < 5; i++) {
                var page = traces.search("a", List.of(experiment), "", order, token, 7);
                page.items().forEach(trace -> seen.add(trace.id()));
                token = page.next();
            }
            assertThat(seen)
                    .hasSize(35)
                    .isEqualTo(traces.search("a", List.of(experiment), "", order, Optional.empty(), 35).items().stream()
                            .map(Trace::id)
                            .toList());
            Optional<String> next = token;
            // What is newer than the page before does not move the next one.
            put("tr-new" + order.size(), State.OK, 1_000, Map.of());
            List<String> plans = Plans.of(database, () -> traces.search("a", List.of(experiment), "", order, next, 7));
            assertThat(plans.getFirst())
                    .contains("trace_by_time")
                    .doesNotContain("Seq Scan on trace ", "SCAN t ", "USE TEMP B-TREE FOR ORDER BY");
            assertThat(traces.search("a", List.of(experiment), "", order, next, 7)
                            .items()
                            .getFirst()
                            .id())
                    .isNotIn(seen);
        }
    }

    @Test
    void searchesOfTracesThatNoIndexServesTakeTurns() {
        put("tr-1", State.OK, 1, Map.of());
        var watched = new WatchedSearches(database);
        var store = new SqlTraceStore(watched);
        List<Long> few = List.of(Long.parseLong(experiment));
        List<Long> several = List.of(few.getFirst(), few.getFirst() + 1);
        for (String order : List.of("execution_time_ms DESC", "timestamp_ms ASC", "status", "tag.k")) {
            var by = SearchParser.order(TraceKeys.GRAMMAR, List.of(order));
            assertThat(watched.of(() -> store.search("a", few, List.of(), by, RunStore.Start.BEGINNING, 10)))
                    .as(order)
                    .isEqualTo(1);
        }
        assertThat(watched.of(() -> store.search("a", several, List.of(), List.of(), RunStore.Start.BEGINNING, 10)))
                .as("traces of several experiments are sorted")
                .isEqualTo(1);
        var skipping = new RunStore.Start(10, Optional.empty());
        assertThat(watched.of(() -> store.search("a", few, List.of(), List.of(), skipping, 10)))
                .isEqualTo(1);
        for (String order : List.of("", "timestamp_ms DESC")) {
            var by = SearchParser.order(TraceKeys.GRAMMAR, order.isEmpty() ? List.of() : List.of(order));
            assertThat(watched.of(() -> store.search("a", few, List.of(), by, RunStore.Start.BEGINNING, 10)))
                    .as(order)
                    .isZero();
        }
        assertThat(watched.of(() -> store.find("a", "tr-1"))).isZero();
    }

    @Test
    void ofManyTracesNoMoreThanTheLargestGroupCountsToTheRequest() {
        for (int i = 0; i < 6; i++) {
            putLarge("tr-" + i, i, 6_000_000);
        }
        addSpans("tr-2", span("s", Optional.empty(), "step", "{}"));
        var ids = List.of("tr-5", "none", "tr-2", "tr-0", "tr-2", "tr-1", "tr-4", "tr-3");
        var budget = new BytesInFlight(30_000_000);
        try (var request = budget.open("ada")) {
            var found = RequestMemory.of(request, () -> traces.getAllWhole("a", ids));
            assertThat(budget.taken()).isBetween(12_000_000L, 16_000_000L);
            assertThat(RequestMemory.of(
                            request,
                            () -> found.map(whole ->
                                            whole.trace().id() + whole.spans().size())
                                    .toList()))
                    .containsExactly("tr-50", "tr-21", "tr-00", "tr-10", "tr-40", "tr-30");
            assertThat(budget.taken()).isBetween(12_000_000L, 16_000_000L);
        }
        try (var request = new BytesInFlight(10_000_000).open("ada")) {
            assertThatThrownBy(() -> RequestMemory.of(request, () -> traces.getAll("a", ids)))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.TOO_LARGE));
        }
    }
}
