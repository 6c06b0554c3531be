package dev.tidemill.platform.definitions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.UnitOfWork;
import dev.tidemill.testkit.Contention;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the store of definitions does on each database. */
abstract class DefinitionStoreContract {
    private Database database;
    private DefinitionStore store;

    abstract Database open();

    @BeforeEach
    void start() {
        database = open();
        store = new SqlDefinitionStore(database);
    }

    @AfterEach
    void stop() {
        // It was never opened where its server is not here and the test was skipped.
        if (database != null) {
            database.close();
        }
    }

    private static Definition definition(String kind, String name, int version, String text) {
        return new Definition(
                "a", kind, name, version, "0".repeat(64), "x/" + name + ".yaml", text, "{}", Instant.ofEpochMilli(42));
    }

    @Test
    void theNewestTextReplacesTheOlder() {
        store.save(definition("Pipeline", "train", 1, "kind: Pipeline\n"));
        store.save(definition("Pipeline", "train", 2, "kind: Pipeline # ünïcode 'quoted'\n"));
        store.save(definition("DataSet", "train", 1, "kind: DataSet\n"));
        assertThat(store.find("a", "Pipeline", "train"))
                .contains(definition("Pipeline", "train", 2, "kind: Pipeline # ünïcode 'quoted'\n"));
        assertThat(store.find("b", "Pipeline", "train")).isEmpty();
        assertThat(store.list("a")).extracting(Definition::kind).containsExactly("DataSet", "Pipeline");
    }

    @Test
    void namesAreThoseOfOneKindInOneProject() {
        store.save(definition("Pipeline", "train", 1, "kind: Pipeline\n"));
        store.save(definition("Pipeline", "score", 1, "kind: Pipeline\n"));
        store.save(definition("DataSet", "rides", 1, "kind: DataSet\n"));
        assertThat(store.names("a", "Pipeline")).containsExactly("score", "train");
        assertThat(store.names("b", "Pipeline")).isEmpty();
    }

    private record Kind(List<Set<String>> asked, List<Boolean> within) implements DefinitionKind<String> {
        @Override
        public String kind() {
            return "Kind";
        }

        @Override
        public int rank() {
            return 1;
        }

        @Override
        public String parse(String name, YamlObject document, ProjectFiles files) {
            return document.text("text");
        }

        @Override
        public Map<String, List<String>> unresolved(
                String project, Map<String, Object> applied, Function<String, Collection<String>> defined) {
            asked.add(Set.copyOf(defined.apply("Kind")));
            within.add(UnitOfWork.isUnderWay());
            if (applied.containsValue("fail")) {
                throw new TidemillException(ErrorCode.UNAVAILABLE, "The database cannot be reached");
            }
            return Map.of("one", List.of("names " + applied.get("Kind/one")));
        }

        @Override
        public Prepared prepare(String project, String name, String definition, Map<String, Object> earlier) {
            return applied -> {};
        }
    }

    @Test
    void namesThatNothingBearsAreLookedForOnceAfterTheUnitOfWork() {
        var kind = new Kind(new ArrayList<>(), new ArrayList<>());
        Clock clock = Clock.systemUTC();
        var definitions = new Definitions(store, database, new SqlEventLog(database, clock), clock);
        definitions.register(kind);
        store.save(definition("Kind", "there", 1, "kind: Kind\n"));
        for (boolean dryRun : new boolean[] {true, false}) {
            assertThat(apply(definitions, "this", dryRun))
                    .extracting(Definitions.Change::name, Definitions.Change::warnings)
                    .containsExactly(tuple("one", List.of("names this")), tuple("two", List.of()));
        }
        assertThat(kind.asked()).hasSize(2).containsOnly(Set.of("there", "one", "two"));
        assertThat(kind.within()).containsOnly(false);

        assertThat(apply(definitions, "fail", false))
                .extracting(Definitions.Change::outcome, Definitions.Change::warnings)
                .as("it has been applied")
                .containsOnly(tuple(Definitions.Outcome.CHANGED, List.of()));
        assertThat(store.find("a", "Kind", "one").orElseThrow().version()).isEqualTo(2);
    }

    private static List<Definitions.Change> apply(Definitions definitions, String text, boolean dryRun) {
        var files = new ProjectFiles(
                Map.of(
                        "1.yaml", "kind: Kind\nname: one\ntext: " + text + "\n",
                        "2.yaml", "kind: Kind\nname: two\ntext: " + text + "\n"),
                Map.of());
        return definitions.apply("a", files, dryRun, "user:ada");
    }

    @Test
    void versionsThatComeAtOnceAreCountedOneByOne() {
        Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> {
                            int next = store.find("a", "Pipeline", "train")
                                            .map(Definition::version)
                                            .orElse(0)
                                    + 1;
                            store.save(definition("Pipeline", "train", next, "by " + thread));
                            return next;
                        }))
                .allAnswered();
        assertThat(store.find("a", "Pipeline", "train").orElseThrow().version()).isEqualTo(5 * Contention.THREADS);
    }
}
