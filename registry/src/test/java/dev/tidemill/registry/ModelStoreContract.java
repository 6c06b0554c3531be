package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.events.StoredEvent;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.ModelPage;
import dev.tidemill.registry.domain.ModelStore;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.RegisteredModel;
import dev.tidemill.registry.domain.RegistryKeys;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.domain.VersionId;
import dev.tidemill.registry.domain.VersionStore;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.registry.store.SqlVersionStore;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.Contention;
import dev.tidemill.testkit.store.WatchedSearches;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a model store promises, on every database. */
abstract class ModelStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-21T08:00:00Z");

    private Database database;
    private ModelStore store;
    private VersionStore versions;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        store = new SqlModelStore(database);
        versions = new SqlVersionStore(database);
        store.insertModel("a", "bikes", "", NOW);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    @Test
    void namesAreThoseOfModelsThatAreNoPrompts() {
        for (String name : List.of("taxis", "it's \"100%\"", "greeting")) {
            store.insertModel("a", name, "", NOW);
        }
        store.insertModel("b", "other", "", NOW);
        store.putTag("a", "greeting", 0, RegisteredModel.PROMPT_TAG, "true");
        assertThat(store.names("a", 10)).containsExactly("bikes", "it's \"100%\"", "taxis");
        assertThat(store.names("a", 2)).containsExactly("bikes", "it's \"100%\"");
        assertThat(store.borne("a", Set.of("taxis", "it's \"100%\"", "greeting", "other")))
                .containsExactlyInAnyOrder("taxis", "it's \"100%\"");
        assertThat(store.borne("a", Set.of())).isEmpty();
    }

    private static ModelVersion version(int number, String madeBy) {
        return new ModelVersion(
                new VersionId("a", "bikes", number),
                ModelVersion.Stage.NONE,
                "made by " + madeBy,
                new ModelVersion.Origin(
                        "mlflow-artifacts:/x",
                        "mlflow-artifacts:/y",
                        "https://tracking.example/runs/1",
                        Optional.of("m-1"),
                        madeBy,
                        "user:ada"),
                new ModelVersion.Contents(
                        number == 1 ? Optional.of(new Digest("0".repeat(64))) : Optional.empty(),
                        new Signature(List.of(new Signature.Field("hour", "double")), List.of()),
                        Optional.empty()),
                new ModelVersion.Training(
                        Optional.of("run"),
                        Map.of("error", 41.5),
                        Map.of("depth", "4"),
                        List.of("rows@1"),
                        "d",
                        "code",
                        Optional.of(NOW)),
                Map.of(),
                NOW,
                NOW);
    }

    private List<String> models(String filter) {
        return store
                .searchModels("a", SearchParser.filter(RegistryKeys.MODELS, filter), List.of(), ModelPage.FIRST, 100)
                .items()
                .stream()
                .map(RegisteredModel::name)
                .toList();
    }

    private List<Integer> versions(String filter, String... order) {
        return versions
                .search(
                        "a",
                        SearchParser.filter(RegistryKeys.VERSIONS, filter),
                        SearchParser.order(RegistryKeys.VERSIONS, List.of(order)),
                        0,
                        100)
                .items()
                .stream()
                .map(ModelVersion::version)
                .toList();
    }

    /** However many models there are and whatever their newest versions hold. */
    @Test
    void theCatalogHasEachModelOnceWithItsNewestVersion() {
        for (String name : List.of("ants", "cats", "dogs", "greeting")) {
            store.insertModel("a", name, "", NOW);
        }
        store.putTag("a", "greeting", 0, RegisteredModel.PROMPT_TAG, "true");
        store.insertModel("b", "bulls", "", NOW);
        versions.insert(version(1, "m1"));
        versions.insert(version(2, "m2"));
        versions.insert(version(3, "m3"));
        versions.delete("a", "bikes", 3, NOW);
        for (int size : List.of(1, 2, 3, 9)) {
            assertThat(catalog(size)).containsExactly("ants", "bikes 2", "cats", "dogs");
        }
        // Two of them are more than a page holds, whoever asks.
        for (String name : List.of("ants", "cats", "dogs")) {
            versions.insert(large(name));
        }
        assertThat(catalog(9)).containsExactly("ants 1", "bikes 2", "cats 1", "dogs 1");
        assertThat(models().catalog("a", Optional.empty(), 9).items()).hasSizeLessThan(4);
    }

    private List<String> catalog(int size) {
        var seen = new ArrayList<String>();
        Optional<String> token = Optional.empty();
        do {
            var page = models().catalog("a", token, size);
            assertThat(page.items()).isNotEmpty().hasSizeLessThanOrEqualTo(size);
            page.items()
                    .forEach(entry -> seen.add(entry.model().name()
                            + entry.newest()
                                    .map(version -> " " + version.version())
                                    .orElse("")));
            token = page.next();
        } while (token.isPresent());
        return seen;
    }

    private static ModelVersion large(String model) {
        ModelVersion small = version(1, "large");
        return new ModelVersion(
                new VersionId("a", model, 1),
                small.stage(),
                "d".repeat(9_000_000),
                small.origin(),
                small.contents(),
                small.training(),
                Map.of(),
                NOW,
                NOW);
    }

    @Test
    void searchesThatNoIndexServesTakeTurns() {
        var watched = new WatchedSearches(database);
        var all = new SqlModelStore(watched);
        var of = new SqlVersionStore(watched);
        var byName = SearchParser.order(RegistryKeys.MODELS, List.of("name ASC"));
        var byTime = SearchParser.order(RegistryKeys.MODELS, List.of("last_updated_timestamp DESC"));
        assertThat(watched.of(() -> all.searchModels("a", List.of(), byTime, ModelPage.FIRST, 10)))
                .isEqualTo(1);
        var skipping = new ModelPage(10, Optional.empty());
        assertThat(watched.of(() -> all.searchModels("a", List.of(), List.of(), skipping, 10)))
                .isEqualTo(1);
        for (var order : List.of(List.<Ordering>of(), byName)) {
            assertThat(watched.of(() -> all.searchModels("a", List.of(), order, ModelPage.FIRST, 10)))
                    .isZero();
        }
        var behind = new ModelPage(10, Optional.of("a"));
        assertThat(watched.of(() -> all.searchModels("a", List.of(), byName, behind, 10)))
                .isZero();
        assertThat(watched.of(() -> of.search("a", List.of(), List.of(), 0, 10)))
                .as("the versions of a model are sorted")
                .isEqualTo(1);
    }

    /** What is made in between moves no model from one page to another. */
    @Test
    void aPageOfModelsBeginsBehindTheLastNameOfThePageBefore() {
        Models models = models();
        for (String name : List.of("ant \"quoted\"", "cat", "dog")) {
            store.insertModel("a", name, "", NOW);
        }
        var first = models.searchModels("a", "", List.of(), Optional.empty(), 2);
        assertThat(first.items()).extracting(RegisteredModel::name).containsExactly("ant \"quoted\"", "bikes");
        var last = models.searchModels("a", "", List.of("name DESC"), Optional.empty(), 2);
        assertThat(last.items()).extracting(RegisteredModel::name).containsExactly("dog", "cat");
        var byTime = models.searchModels("a", "", List.of("timestamp ASC"), Optional.empty(), 2);
        store.insertModel("a", "aardvark", "", NOW.plusSeconds(1));
        store.insertModel("a", "eel", "", NOW.plusSeconds(1));
        assertThat(models.searchModels("a", "", List.of(), first.next(), 9).items())
                .extracting(RegisteredModel::name)
                .containsExactly("cat", "dog", "eel");
        assertThat(models.searchModels("a", "", List.of("name DESC"), last.next(), 9)
                        .items())
                .extracting(RegisteredModel::name)
                .containsExactly("bikes", "ant \"quoted\"", "aardvark");
        assertThat(models.searchModels("a", "", List.of("timestamp ASC"), byTime.next(), 9)
                        .items())
                .extracting(RegisteredModel::name)
                .containsExactly("cat", "dog", "aardvark", "eel");
        // Tokens that an earlier version gave hold good.
        assertThat(models.searchModels("a", "", List.of(), Optional.of(Page.token(4)), 9)
                        .items())
                .extracting(RegisteredModel::name)
                .containsExactly("dog", "eel");
    }

    /** A statement takes some 32,000 values; a registry may hold more models. */
    @Test
    void moreNamesThanAStatementTakesValuesAreAskedForAtOnce() {
        versions.insert(version(1, "run/one"));
        var makers = new ArrayList<>(
                IntStream.range(0, 40_000).mapToObj(i -> "absent/" + i).toList());
        makers.add("run/one");
        assertThat(versions.makers(makers)).containsExactly("run/one");
    }

    @Test
    void modelsAreFoundByNameAndTag() {
        store.insertModel("a", "Bikes_2", "", NOW);
        store.insertModel("b", "bikes", "", NOW);
        store.putTag("a", "Bikes_2", 0, "task", "regression");
        assertThat(models("")).containsExactly("Bikes_2", "bikes");
        assertThat(models("name LIKE 'bik%'")).containsExactly("bikes");
        assertThat(models("name ILIKE 'bik%'")).containsExactly("Bikes_2", "bikes");
        assertThat(models("name LIKE 'Bikes_2'")).containsExactly("Bikes_2");
        assertThat(models("tags.task = 'regression'")).containsExactly("Bikes_2");
        assertThat(models("tags.task != 'regression'")).isEmpty();
        assertThat(models("name LIKE '*'")).isEmpty();
        assertThat(models("name = 'bikes'' OR 1=1 --'")).isEmpty();
    }

    @Test
    void aPromptIsFoundOnlyAsOne() {
        store.insertModel("a", "greeting", "", NOW);
        store.putTag("a", "greeting", 0, RegisteredModel.PROMPT_TAG, "true");
        assertThat(models("tags.`mlflow.prompt.is_prompt` = 'true'")).containsExactly("greeting");
        assertThat(models("tags.`mlflow.prompt.is_prompt` != 'true'")).containsExactly("bikes");
        assertThat(models("tags.`mlflow.prompt.is_prompt` = 'false'")).containsExactly("bikes");
    }

    @Test
    void versionsAreFoundByWhatTheyAre() {
        versions.insert(version(1, "m1"));
        versions.insert(version(2, "m2"));
        store.putTag("a", "bikes", 2, "by", "hand");
        assertThat(versions("name = 'bikes'")).containsExactly(2, 1);
        assertThat(versions("version_number > 1")).containsExactly(2);
        assertThat(versions("run_id IN ('run', 'other')", "version_number ASC")).containsExactly(1, 2);
        assertThat(versions("tags.by = 'hand'")).containsExactly(2);
    }

    @Test
    void aModelIsRenamedWithEverythingThatIsItsOwn() {
        versions.insert(version(1, "m1"));
        store.setAlias("a", "bikes", "champion", 1);
        store.putTag("a", "bikes", 1, "by", "hand");
        store.insertModel("a", "taken", "", NOW);
        assertThat(store.updateModel("a", "bikes", "taken", "", NOW)).isFalse();
        assertThat(store.updateModel("a", "bikes", "cycles", "what for", NOW)).isTrue();
        assertThat(store.findModel("a", "bikes")).isEmpty();
        assertThat(store.findModel("a", "cycles").orElseThrow().aliases()).isEqualTo(Map.of("champion", 1));
        assertThat(versions.find("a", "cycles", 1).orElseThrow().tags()).isEqualTo(Map.of("by", "hand"));
    }

    @Test
    void theNewestVersionAndWhatMadeVersionsAreFound() {
        assertThat(versions.newest("a", "bikes", false)).isEmpty();
        versions.insert(version(1, "run/one"));
        versions.insert(version(2, "run/two"));
        versions.insert(version(3, "run/three"));
        assertThat(versions.newest("a", "bikes", false)).contains(version(3, "run/three"));
        versions.delete("a", "bikes", 3, NOW);
        assertThat(versions.newest("a", "bikes", false)).contains(version(2, "run/two"));
        assertThat(versions.makers(List.of("run/two", "run/three", "run/four", "run")))
                .containsOnly("run/two", "run/three");
        assertThat(versions.makers(List.of())).isEmpty();
    }

    @Test
    void theNumberOfADeletedVersionStaysTaken() {
        versions.insert(version(1, "m1"));
        store.setAlias("a", "bikes", "champion", 1);
        versions.delete("a", "bikes", 1, NOW);
        assertThat(versions.find("a", "bikes", 1)).isEmpty();
        assertThat(store.aliases("a", "bikes")).isEmpty();
        assertThat(versions.newestNumber("a", "bikes")).isEqualTo(1);
    }

    @Test
    void aVersionComesBackAsItWas() {
        versions.insert(version(1, "m1"));
        assertThat(versions.find("a", "bikes", 1)).contains(version(1, "m1"));
        assertThat(versions.findMadeBy("a", "bikes", "m1")).contains(version(1, "m1"));
        assertThat(versions.find("b", "bikes", 1)).isEmpty();
    }

    @Test
    void versionsAndMakersAreUnique() {
        versions.insert(version(1, "m1"));
        assertThatThrownBy(() -> versions.insert(version(1, "m2"))).isInstanceOf(TidemillException.class);
        assertThatThrownBy(() -> versions.insert(version(2, "m1"))).isInstanceOf(TidemillException.class);
        assertThat(versions.newestNumber("a", "bikes")).isEqualTo(1);
        assertThat(versions.newestNumber("a", "none")).isZero();
    }

    @Test
    void aliasesMoveAndStagesChange() {
        versions.insert(version(1, "m1"));
        versions.insert(version(2, "m2"));
        store.setAlias("a", "bikes", "champion", 1);
        store.setAlias("a", "bikes", "champion", 2);
        store.setAlias("a", "bikes", "challenger", 1);
        store.removeAlias("a", "bikes", "challenger");
        versions.update("a", "bikes", 1, "", ModelVersion.Stage.ARCHIVED, NOW);
        assertThat(store.aliases("a", "bikes")).isEqualTo(Map.of("champion", 2));
        assertThat(versions.versions("a", "bikes"))
                .extracting(ModelVersion::stage)
                .containsExactly(ModelVersion.Stage.NONE, ModelVersion.Stage.ARCHIVED);
        assertThat(models().catalog("a", Optional.empty(), 9)
                        .items()
                        .getFirst()
                        .model()
                        .versions())
                .isEqualTo(2);
    }

    @Test
    void versionsThatComeAtOnceAllGetANumber() {
        var numbers = Contention.of(
                        10,
                        (thread, turn) -> database.write(() -> {
                            int next = versions.newestNumber("a", "bikes") + 1;
                            versions.insert(version(next, "maker" + thread + "/" + turn));
                            store.putTag("a", "bikes", next, "thread", "t" + thread);
                            return next;
                        }))
                .allAnswered();
        assertThat(numbers).doesNotHaveDuplicates().hasSize(10 * Contention.THREADS);
        assertThat(versions.versions("a", "bikes")).hasSize(10 * Contention.THREADS);
    }

    @Test
    void ofModelsOfOneNameThatComeAtOnceOneIsMade() {
        var made = Contention.of(5, (thread, turn) -> database.write(() -> store.insertModel("a", "m" + turn, "", NOW)))
                .allAnswered();
        assertThat(made.stream().filter(yes -> yes)).hasSize(5);
    }

    @Test
    void anAliasIsMovedOnlyByOneOfThoseWhoSawItAtTheSamePlace() {
        versions.insert(version(1, "m1"));
        store.setAlias("a", "bikes", "live", 1);
        var moved = Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> {
                            int at = store.aliases("a", "bikes").getOrDefault("live", 0);
                            store.setAlias("a", "bikes", "live", at + 1);
                            return at + 1;
                        }))
                .allAnswered();
        assertThat(moved).doesNotHaveDuplicates();
        assertThat(store.aliases("a", "bikes")).containsEntry("live", 1 + 5 * Contention.THREADS);
    }

    @Test
    void whatBeginsToUseAModelAndWhatDeletesItNeverMissEachOther() throws Exception {
        Models models = models();
        var used = new AtomicBoolean();
        models.knowUse((project, model, version) -> used.get() ? List.of("deployment 'd'") : List.of());
        var holding = new CountDownLatch(1);
        Thread user = Thread.ofVirtual()
                .start(() -> database.write(() -> {
                    models.hold("a", "bikes");
                    holding.countDown();
                    pause(300);
                    used.set(true);
                }));
        holding.await();
        assertThatThrownBy(() -> models.deleteModel("a", "bikes", "tester"))
                .isInstanceOfSatisfying(TidemillException.class, refusal -> {
                    assertThat(refusal.code()).isEqualTo(ErrorCode.CONFLICT);
                    assertThat(refusal.message()).contains("deployment 'd'").contains("bikes");
                });
        user.join();
        assertThat(store.findModel("a", "bikes")).isPresent();
    }

    @Test
    void nothingInUseIsDeletedOrRenamedAndWhatIsNotInUseIs() {
        Models models = models();
        versions.insert(version(1, "one"));
        versions.insert(version(2, "two"));
        models.knowUse((project, model, version) ->
                version.isEmpty() || version.getAsInt() == 1 ? List.of("deployment 'd'") : List.of());
        for (Runnable refused : List.<Runnable>of(
                () -> models.deleteVersion("a", "bikes", 1, "tester"),
                () -> models.deleteModel("a", "bikes", "tester"),
                () -> models.updateModel("a", "bikes", Optional.of("cycles"), Optional.empty(), "tester"))) {
            assertThatThrownBy(refused::run)
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.CONFLICT));
        }
        models.updateModel("a", "bikes", Optional.empty(), Optional.of("described"), "tester");
        models.deleteVersion("a", "bikes", 2, "tester");
        models.knowUse((project, model, version) -> List.of());
        models.updateModel("a", "bikes", Optional.of("cycles"), Optional.empty(), "tester");
        models.deleteModel("a", "cycles", "tester");
        assertThat(store.findModel("a", "cycles")).isEmpty();
    }

    @Test
    void aVersionThatIsRegisteredWhileItsModelIsDeletedIsLetGoOfToo() {
        versions.insert(version(2, "two"));
        Models models = models();
        // Asked within the unit of work, after the folders were read.
        models.knowUse((project, model, version) -> {
            versions.insert(version(1, "one"));
            return List.of();
        });
        models.deleteModel("a", "bikes", "tester");
        assertThat(store.findModel("a", "bikes")).isEmpty();
        assertThat(database.<Integer>reading(handle -> handle.select("SELECT COUNT(*) FROM blob_candidate")
                        .mapTo(Integer.class)
                        .one()))
                .isEqualTo(1);
    }

    @Test
    void newNamesAndDescriptionsAreEventsWhereTheyAreNew() {
        versions.insert(version(1, "one"));
        Models models = models();
        models.updateModel("a", "bikes", Optional.of("cycles"), Optional.empty(), "tester");
        models.updateModel("a", "cycles", Optional.of("cycles"), Optional.of("two wheels"), "tester");
        models.updateModel("a", "cycles", Optional.empty(), Optional.of("two wheels"), "tester");
        models.describe("a", "cycles", 1, "the first", "tester");
        models.describe("a", "cycles", 1, "the first", "tester");
        var log = new SqlEventLog(database, Clock.systemUTC());
        // Another's transaction may hold events back for a moment.
        Await.until("three events", () -> log.after(0, 100).size() >= 3);
        assertThat(log.after(0, 100).stream().map(StoredEvent::event))
                .extracting(Event::type, Event::subject, Event::actor, Event::data)
                .containsExactly(
                        tuple("model.renamed", "model/cycles", "tester", Map.of("model", "cycles", "before", "bikes")),
                        tuple(
                                "model.described",
                                "model/cycles",
                                "tester",
                                Map.of("model", "cycles", "description", "two wheels")),
                        tuple(
                                "model.version.described",
                                "model/cycles/1",
                                "tester",
                                Map.of("description", "the first")));
    }

    @Test
    void whatDeletedVersionsNamedIsLetGoOfAlsoWhereTheyWereDeletedBefore() {
        versions.insert(version(1, "one"));
        database.writing(handle -> handle.execute("UPDATE version SET deleted = TRUE"));
        Models models = models();
        assertThat(models.releaseDeleted()).isEqualTo(1);
        assertThat(models.releaseDeleted()).isZero();
        assertThat(database.<Integer>reading(handle -> handle.select("SELECT COUNT(*) FROM blob_candidate")
                        .mapTo(Integer.class)
                        .one()))
                .isEqualTo(1);
        assertThat(versions.newestNumber("a", "bikes")).isEqualTo(1);
    }

    private Models models() {
        Clock clock = Clock.systemUTC();
        try {
            var artifacts = new ArtifactsModule(
                    database,
                    Files.createTempDirectory("blobs"),
                    1 << 20,
                    List.of(ArtifactsModule.SCHEMA),
                    "mlflow-artifacts:/",
                    Map.of(),
                    new DeletionHold(),
                    clock);
            return new Models(store, versions, artifacts.tree(), database, new SqlEventLog(database, clock), clock);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void pagesOfLargeModelsAndVersionsEndAtTheirBoundAndGoOnExactlyThere() {
        for (int number = 1; number <= 5; number++) {
            store.insertModel("a", "m" + number, "", NOW);
            store.putTag("a", "m" + number, 0, "text", "x".repeat(6_000_000));
            versions.insert(version(number, "run/" + number));
            store.putTag("a", "bikes", number, "text", "x".repeat(6_000_000));
        }
        var first = store.searchModels("a", List.of(), List.of(), ModelPage.FIRST, 100);
        assertThat(first.items()).extracting(RegisteredModel::name).containsExactly("bikes", "m1", "m2");
        assertThat(first.more()).isTrue();
        var rest = store.searchModels("a", List.of(), List.of(), new ModelPage(0, Optional.of("m3")), 100);
        assertThat(rest.items()).extracting(RegisteredModel::name).containsExactly("m4", "m5");
        assertThat(rest.items()).allSatisfy(model -> assertThat(model.tags()).containsOnlyKeys("text"));
        assertThat(rest.more()).isFalse();
        var found = versions.search("a", List.of(), List.of(), 1, 100);
        assertThat(found.items()).extracting(ModelVersion::version).containsExactly(4, 3);
        assertThat(found.items()).allSatisfy(one -> assertThat(one.tags()).containsOnlyKeys("text"));
        assertThat(found.more()).isTrue();
        var budget = new BytesInFlight(20_000_000);
        try (var request = budget.open("ada")) {
            RequestMemory.of(request, () -> versions.find("a", "bikes", 3));
            assertThat(budget.taken()).isBetween(6_000_000L, 6_010_000L);
            assertThatThrownBy(() -> RequestMemory.of(request, () -> versions.versions("a", "bikes")))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.TOO_LARGE));
        }
    }

    @Test
    void theNewestVersionOfEachStageAndOfThoseThatMayBeCalledIsFound() {
        for (int number = 1; number <= 4; number++) {
            versions.insert(version(number, "run/" + number));
        }
        versions.update("a", "bikes", 1, "", ModelVersion.Stage.PRODUCTION, NOW);
        versions.update("a", "bikes", 2, "", ModelVersion.Stage.PRODUCTION, NOW);
        assertThat(versions.newestOfStages("a", "bikes"))
                .extracting(ModelVersion::version)
                .containsExactly(4, 2);
        assertThat(versions.newest("a", "bikes", false).orElseThrow().version()).isEqualTo(4);
        assertThat(versions.newest("a", "bikes", true).orElseThrow().version()).isEqualTo(1);
        versions.archiveOthers("a", "bikes", 2, ModelVersion.Stage.PRODUCTION, NOW);
        assertThat(versions.find("a", "bikes", 1).orElseThrow().stage()).isEqualTo(ModelVersion.Stage.ARCHIVED);
        assertThat(versions.find("a", "bikes", 2).orElseThrow().stage()).isEqualTo(ModelVersion.Stage.PRODUCTION);
        versions.delete("a", "bikes", 4, NOW);
        assertThat(versions.newest("a", "bikes", false).orElseThrow().version()).isEqualTo(3);
        assertThat(versions.newest("a", "none", false)).isEmpty();
        assertThat(versions.newest("a", "bikes", true))
                .as("the only one with files is archived")
                .isEmpty();
        assertThat(versions.newestCallable("a")).isEmpty();
        versions.update("a", "bikes", 1, "", ModelVersion.Stage.NONE, NOW);
        assertThat(versions.newestCallable("a"))
                .extracting(ModelVersion::version)
                .containsExactly(1);
    }
}
