package dev.tidemill.tracking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import dev.tidemill.testkit.MovableClock;
import dev.tidemill.testkit.store.Plans;
import dev.tidemill.testkit.store.WatchedSearches;
import dev.tidemill.tracking.domain.EvaluationDataSet;
import dev.tidemill.tracking.domain.EvaluationDataSet.Row;
import dev.tidemill.tracking.domain.EvaluationDataSets;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.SavedView;
import dev.tidemill.tracking.domain.Scorer;
import dev.tidemill.tracking.domain.Scorers;
import dev.tidemill.tracking.store.SqlEvaluationStore;
import dev.tidemill.tracking.store.SqlExperimentStore;
import dev.tidemill.tracking.store.SqlRunStore;
import dev.tidemill.tracking.store.SqlSavedViewStore;
import dev.tidemill.tracking.store.SqlScorerStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the stores of evaluation data sets, scorers and saved views promise, on every database. */
abstract class EvaluationStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-25T08:00:00Z");
    private final MovableClock clock = new MovableClock(NOW);
    private Database database;
    private EvaluationDataSets dataSets;
    private Scorers scorers;
    private String experiment;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        var experiments = new Experiments(
                new SqlExperimentStore(database),
                new SqlRunStore(database),
                database,
                new SqlEventLog(database, clock),
                clock,
                "mlflow-artifacts:");
        experiment = experiments
                .create("a", "app", Optional.empty(), Map.of(), "ada")
                .reference();
        dataSets = new EvaluationDataSets(new SqlEvaluationStore(database), experiments, database, clock);
        scorers = new Scorers(new SqlScorerStore(database), experiments, database, clock);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private Row row(String inputs, Optional<String> expectations) {
        return new Row(
                "dr-" + inputs.hashCode() + clock.millis(),
                inputs,
                Optional.empty(),
                expectations,
                Optional.empty(),
                Optional.empty(),
                "HUMAN",
                Optional.empty(),
                "",
                "bob",
                clock.instant(),
                clock.instant());
    }

    @Test
    void recordsWithTheSameInputsAreOne() {
        EvaluationDataSet made = dataSets.create("a", "qa", List.of(experiment), Map.of("k", "v"));
        var told = List.of(row("{\"q\":1}", Optional.of("{\"a\":2}")), row("{\"q\":2}", Optional.empty()));
        assertThat(dataSets.putRows("a", made.id(), told, (there, now) -> now, schema -> "{}"))
                .isEqualTo(new EvaluationDataSets.Counts(2, 0));
        clock.advance(Duration.ofSeconds(1));
        var again = List.of(row("{\"q\":1}", Optional.of("{\"a\":3}")));
        assertThat(dataSets.putRows("a", made.id(), again, (there, now) -> now, schema -> "{}"))
                .isEqualTo(new EvaluationDataSets.Counts(0, 1));
        var page = dataSets.rows("a", made.id(), Optional.empty(), 1);
        assertThat(page.items()).hasSize(1);
        var rest = dataSets.rows("a", made.id(), page.next(), 10);
        assertThat(rest.items()).hasSize(1);
        EvaluationDataSet after = dataSets.get("a", made.id());
        assertThat(after.digest()).isNotEqualTo(made.digest());
        assertThat(after.profile()).contains("2");
        assertThat(after.experiments()).containsExactly(Long.parseLong(experiment));
        assertThat(dataSets.deleteRows(
                        "a", made.id(), List.of(rest.items().getFirst().id())))
                .isEqualTo(1);
        var many = IntStream.range(0, 40_000).mapToObj(i -> "dr-" + i).toList();
        assertThat(dataSets.deleteRows("a", made.id(), many)).isZero();
        assertThatThrownBy(() -> dataSets.get("b", made.id())).isInstanceOf(TidemillException.class);
    }

    @Test
    void aSetMayNameExperimentsThatAreNotThereYetButIsAddedToKnownOnesAlone() {
        EvaluationDataSet made = dataSets.create("a", "lazy", List.of("99999"), Map.of());
        assertThat(made.experiments()).containsExactly(99999L);
        assertThatThrownBy(() -> dataSets.link("a", made.id(), List.of("88888")))
                .hasMessage("No Experiment with id=88888");
        assertThatThrownBy(() -> dataSets.link("a", made.id(), List.of("abc"))).hasMessage("No Experiment with id=abc");
        assertThatThrownBy(() -> dataSets.link("a", "d-absent", List.of(experiment)))
                .hasMessage("Dataset 'd-absent' not found");
        assertThat(dataSets.unlink("a", made.id(), List.of("abc", "99999")).experiments())
                .isEmpty();
    }

    @Test
    void searchesByNameTagAndExperiment() {
        dataSets.create("a", "qa", List.of(experiment), Map.of("team", "x"));
        EvaluationDataSet other = dataSets.create("a", "other", List.of(), Map.of());
        assertThat(names("name LIKE 'q%'", List.of())).containsExactly("qa");
        assertThat(names("tags.team = 'x'", List.of())).containsExactly("qa");
        assertThat(names("", List.of(experiment))).containsExactly("qa");
        dataSets.link("a", other.id(), List.of(experiment));
        assertThat(names("", List.of(experiment))).hasSize(2);
        dataSets.unlink("a", other.id(), List.of(experiment));
        dataSets.putTags("a", other.id(), Map.of("z", "1", "", "empty"));
        dataSets.removeTag("a", other.id(), "z");
        dataSets.removeTag("a", other.id(), "absent");
        dataSets.removeTag("a", "d-absent", "z");
        assertThat(dataSets.get("a", other.id()).tags()).isEqualTo(Map.of("", "empty"));
        assertThatThrownBy(() -> dataSets.putTags("a", "d-absent", Map.of()))
                .hasMessage("Could not find evaluation dataset with ID d-absent");
        dataSets.delete("a", other.id());
        assertThat(names("", List.of())).containsExactly("qa");
    }

    private List<String> names(String filter, List<String> experiments) {
        return dataSets.search("a", experiments, filter, List.of("name ASC"), Optional.empty(), 10).items().stream()
                .map(EvaluationDataSet::name)
                .toList();
    }

    @Test
    void scorersHaveVersions() {
        assertThat(scorers.register("a", experiment, "judge", "{}").version()).isEqualTo(1);
        Scorer second = scorers.register("a", experiment, "judge", "{2}");
        assertThat(second.version()).isEqualTo(2);
        assertThat(scorers.newest("a", experiment)).containsExactly(second);
        assertThat(scorers.get("a", experiment, "judge", Optional.of(1)).content())
                .isEqualTo("{}");
        scorers.delete("a", experiment, "judge", Optional.of(2));
        assertThat(scorers.get("a", experiment, "judge", Optional.empty()).version())
                .isEqualTo(1);
        scorers.delete("a", experiment, "judge", Optional.empty());
        assertThatThrownBy(() -> scorers.versions("a", experiment, "judge")).hasMessageContaining("not found");
    }

    @Test
    void viewsAreReplacedByName() {
        var views = new SqlSavedViewStore(database);
        views.put("a", new SavedView("mine", "/experiments", "ada", NOW));
        views.put("a", new SavedView("mine", "/experiments?filter=x", "bob", NOW));
        views.put("b", new SavedView("mine", "/models", "eve", NOW));
        assertThat(views.list("a")).extracting(SavedView::address).containsExactly("/experiments?filter=x");
        assertThat(views.delete("a", "mine")).isTrue();
        assertThat(views.delete("a", "mine")).isFalse();
        assertThat(views.list("b")).hasSize(1);
    }

    @Test
    void tagsRecordsAndScorersFromAllSidesAreKept() {
        EvaluationDataSet made = dataSets.create("a", "qa", List.of(), Map.of());
        var versions = Contention.of(5, (thread, turn) -> {
                    String mine = thread + "/" + turn;
                    dataSets.putTags("a", made.id(), Map.of(mine, "v"));
                    dataSets.putRows(
                            "a",
                            made.id(),
                            List.of(row("{\"q\":\"" + mine + "\"}", Optional.empty())),
                            (there, now) -> now,
                            schema -> "{}");
                    return scorers.register("a", experiment, "judge", mine).version();
                })
                .allAnswered();
        int all = 5 * Contention.THREADS;
        assertThat(dataSets.get("a", made.id()).tags()).hasSize(all);
        assertThat(dataSets.get("a", made.id()).profile()).contains(String.valueOf(all));
        assertThat(versions).doesNotHaveDuplicates().hasSize(all);
    }

    @Test
    void setsOfOneNameAreToldApartByTheirIds() {
        EvaluationDataSet one = dataSets.create("a", "qa", List.of(), Map.of("k", "1"));
        EvaluationDataSet two = dataSets.create("a", "qa", List.of(), Map.of("k", "2"));
        assertThat(names("name = 'qa'", List.of())).containsExactly("qa", "qa");
        dataSets.delete("a", one.id());
        assertThat(dataSets.get("a", two.id()).tags()).isEqualTo(Map.of("k", "2"));
        assertThat(dataSets.create("a", " ", List.of(), Map.of()).name()).isEqualTo(" ");
        assertThatThrownBy(() -> dataSets.create("a", "n".repeat(256), List.of(), Map.of()))
                .hasMessageContaining("256");
    }

    @Test
    void searchesThatNoIndexServesTakeTurns() {
        dataSets.create("a", "qa", List.of(experiment), Map.of());
        var watched = new WatchedSearches(database);
        var store = new SqlEvaluationStore(watched);
        List<Long> few = List.of(Long.parseLong(experiment));
        var byName = List.of(new Ordering(SearchGrammar.ATTRIBUTE, "name", true));
        assertThat(watched.of(() -> store.search("a", List.of(), List.of(), byName, 0, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> store.search("a", few, List.of(), List.of(), 0, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> store.search("a", List.of(), List.of(), List.of(), 10, 10)))
                .isEqualTo(1);
        assertThat(watched.of(() -> store.search("a", List.of(), List.of(), List.of(), 0, 10)))
                .isZero();
    }

    @Test
    void pagesOfManyRecordsGoOnByTheIndexHoweverFarDown() {
        EvaluationDataSet made = dataSets.create("a", "many", List.of(experiment), Map.of());
        for (int i = 0; i < 40; i++) {
            // Some of one moment, which are told apart by their ids.
            clock.advance(Duration.ofMillis(i % 3));
            var told = List.of(row("{\"q\":" + i + "}", Optional.empty()));
            dataSets.putRows("a", made.id(), told, (there, now) -> now, schema -> "{}");
        }
        database.writing(handle ->
                handle.execute("INSERT INTO evaluation_record (id, data_set, inputs, inputs_hash, source_type,"
                        + " created_by, updated_by, created_at, updated_at) SELECT r.id || '-' || s.id, r.data_set, '{}',"
                        + " r.id || '-' || s.id, 'HUMAN', '', '', r.created_at + 1000 + s.created_at % 1000, 0"
                        + " FROM evaluation_record r, evaluation_record s"));
        Plans.analyze(database);
        var seen = new ArrayList<String>();
        Optional<String> token = Optional.empty();
        for (int i = 0; i < 60; i++) {
            var page = dataSets.rows("a", made.id(), token, 7);
            page.items().forEach(row -> seen.add(row.id()));
            token = page.next();
        }
        assertThat(seen)
                .hasSize(420)
                .isEqualTo(dataSets.rows("a", made.id(), Optional.empty(), 420).items().stream()
                        .map(Row::id)
                        .toList());
        Optional<String> next = token;
        assertThat(Plans.of(database, () -> dataSets.rows("a", made.id(), next, 7)))
                .anySatisfy(plan -> assertThat(plan)
                        .contains("evaluation_record_by_time")
                        .doesNotContain("USE TEMP B-TREE FOR ORDER BY", "Sort"));
        assertThatThrownBy(() -> dataSets.rows("a", made.id(), Optional.of(Page.token(7)), 7))
                .hasMessageContaining("Invalid page token");
    }

    @Test
    void pagesOfLargeRecordsEndAtTheirBoundAndGoOnExactlyThere() {
        EvaluationDataSet made = dataSets.create("a", "large", List.of(experiment), Map.of());
        for (int i = 0; i < 5; i++) {
            clock.advance(Duration.ofSeconds(1));
            var told = List.of(row("{\"q\":\"" + i + "x".repeat(1_200_000) + "\"}", Optional.empty()));
            dataSets.putRows("a", made.id(), told, (there, now) -> now, schema -> "{}");
        }
        var seen = new ArrayList<String>();
        var pages = new ArrayList<Integer>();
        Optional<String> token = Optional.empty();
        do {
            var page = dataSets.rows("a", made.id(), token, 1000);
            pages.add(page.items().size());
            page.items().forEach(row -> seen.add(row.inputs().substring(6, 7)));
            token = page.next();
        } while (token.isPresent());
        assertThat(seen).containsExactly("0", "1", "2", "3", "4");
        assertThat(pages).containsExactly(2, 2, 1);
    }
}
