package dev.tidemill.tracking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import dev.tidemill.testkit.MovableClock;
import dev.tidemill.tracking.domain.Assessment;
import dev.tidemill.tracking.domain.Assessment.Kind;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.Trace;
import dev.tidemill.tracking.domain.Trace.State;
import dev.tidemill.tracking.domain.TraceSpan;
import dev.tidemill.tracking.domain.Traces;
import dev.tidemill.tracking.store.SqlExperimentStore;
import dev.tidemill.tracking.store.SqlRunStore;
import dev.tidemill.tracking.store.SqlTraceStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the store of traces promises, seen through the use cases, on every database. */
abstract class TraceStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-25T08:00:00Z");
    private Database database;
    private SqlRunStore runs;
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
        traces = new Traces(new SqlTraceStore(database), runs, experiments, database, clock);
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
                List.of(new Traces.Spans(trace, List.of(spans), "in", "out", Map.of(), Map.of())),
                Optional.empty());
    }

    private List<String> search(String filter, String... order) {
        return traces.search("a", List.of(experiment), filter, List.of(order), Optional.empty(), 100).items().stream()
                .map(Trace::id)
                .toList();
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

    private static Assessment judged(String trace, String name, String value) {
        return new Assessment(
                "",
                trace,
                name,
                Kind.FEEDBACK,
                value,
                "{\"value\":" + value + "}",
                Optional.empty(),
                "HUMAN",
                "ada",
                Optional.empty(),
                Map.of(),
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
        assertThat(traces.get("a", "tr-1").assessments()).hasSize(2);
        traces.removeAssessment("a", "tr-1", second.id());
        assertThat(traces.assessment("a", "tr-1", first.id()).valid()).isTrue();
        var change =
                new Assessment.Change(Optional.empty(), Optional.empty(), Optional.of("because"), Map.of("more", "m"));
        assertThat(traces.reassess("a", "tr-1", first.id(), change).rationale()).contains("because");
        assertThat(traces.assessment("a", "tr-1", first.id()).metadata()).containsEntry("more", "m");
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
