package dev.tidemill.testkit.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.audit.RefusalQuery;
import dev.tidemill.platform.audit.SqlRefusals;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventQuery;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.events.SqlEventRetention;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.Contention;
import dev.tidemill.testkit.store.Plans;
import dev.tidemill.testkit.store.WatchedSearches;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every database and the event log on it promise. */
abstract class DatabaseContract {
    private Database database;
    private SqlEventLog log;

    abstract Database open();

    @BeforeEach
    void openDatabase() {
        database = open();
        log = new SqlEventLog(database, Clock.systemUTC());
    }

    @AfterEach
    void closeDatabase() {
        if (database != null) {
            database.close();
        }
    }

    private static Event event(String subject) {
        return Event.of("test.happened", "default", subject, "tester", Map.of("n", 1));
    }

    @Test
    void whatFailsLeavesNothingAndDisturbsNobody() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> writes = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                int number = i;
                writes.add(threads.submit(() -> database.write(() -> {
                    log.append(event("s" + number));
                    if (number % 3 == 0) {
                        throw new IllegalStateException("as planned");
                    }
                })));
            }
            int failed = 0;
            for (Future<?> write : writes) {
                try {
                    write.get();
                } catch (java.util.concurrent.ExecutionException e) {
                    failed++;
                }
            }
            assertThat(failed).isEqualTo(34);
        }
        settled(66);
        assertThat(log.after(0, 1000)).hasSize(66);
    }

    /** On PostgreSQL events wait for every transaction that is older, be it a neighbour's or the server's own. */
    private void settled(int events) {
        Await.until(events + " events to be settled", () -> log.after(0, 1000).size() >= events);
    }

    @Test
    void unitsOfWorkNestIntoOneTransaction() {
        assertThatThrownBy(() -> database.write(() -> {
                    database.write(() -> log.append(event("inner")));
                    assertThat(log.after(0, 10).size()).isLessThanOrEqualTo(1);
                    throw new IllegalStateException("outer fails");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(log.after(0, 10)).isEmpty();
    }

    @Test
    void actionsAfterCommitRunOnlyAfterCommit() {
        var ran = new AtomicInteger();
        assertThatThrownBy(() -> database.write(() -> {
                    database.afterCommit(ran::incrementAndGet);
                    throw new IllegalStateException("rolled back");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(ran).hasValue(0);
        database.write(() -> database.afterCommit(ran::incrementAndGet));
        Await.until("the action ran", () -> ran.get() == 1);
    }

    @Test
    void readersCannotWrite() {
        assertThatThrownBy(() -> database.read(() -> {
                    log.append(event("no"));
                    return true;
                }))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void eventsComeBackInOrderAndWhole() {
        for (int i = 0; i < 5; i++) {
            int number = i;
            database.write(() -> log.append(event("s" + number).withDigest("d").withCause("c")));
        }
        settled(5);
        var events = log.after(0, 3);
        assertThat(events).extracting(stored -> stored.event().subject()).containsExactly("s0", "s1", "s2");
        assertThat(events.getFirst().event().digest()).contains("d");
        assertThat(log.after(events.getLast().position(), 10)).hasSize(2);
        assertThat(subjects(query(Optional.of("default"), Optional.of("test."), Optional.empty(), 2)))
                .containsExactly("s4", "s3");
        assertThat(subjects(query(Optional.of("other"), Optional.empty(), Optional.empty(), 2)))
                .isEmpty();
    }

    private static EventQuery query(Optional<String> project, Optional<String> type, Optional<String> user, int limit) {
        return new EventQuery(project, type, Optional.empty(), user, Optional.empty(), limit);
    }

    private List<String> subjects(EventQuery query) {
        return log.newest(query).items().stream()
                .map(stored -> stored.event().subject())
                .toList();
    }

    @Test
    void eventsOfTheServerAndOfAUserAreFoundAcrossProjects() {
        List.of(
                        Event.of("user.created", "", "user/bob", "user:ada", Map.of()),
                        Event.of("model.created", "a", "model/m", "user:ada/token:0193", Map.of()),
                        Event.of("model.created", "b", "model/n", "user:ada-2", Map.of()),
                        Event.of("model.created", "b", "model/o", "system", Map.of()))
                .forEach(event -> database.write(() -> log.append(event)));
        settled(4);
        Optional<String> any = Optional.empty();
        assertThat(subjects(query(any, any, any, 9))).containsExactly("model/o", "model/n", "model/m", "user/bob");
        assertThat(subjects(query(Optional.of(""), any, any, 9))).containsExactly("user/bob");
        assertThat(subjects(query(any, any, Optional.of("ada"), 9))).containsExactly("model/m", "user/bob");
        assertThat(subjects(query(any, Optional.of("model."), Optional.of("ada"), 9)))
                .containsExactly("model/m");
        var first = log.newest(query(any, any, any, 1));
        assertThat(first.more()).isTrue();
        assertThat(log.newest(new EventQuery(
                                any,
                                any,
                                any,
                                any,
                                Optional.of(first.items().getFirst().position()),
                                1))
                        .items())
                .extracting(stored -> stored.event().subject())
                .containsExactly("model/n");
    }

    /** Of a type there may be few events among very many, and of another nearly all; of both the newest are found by an index. */
    @Test
    void eventsOfATypeAreFoundByAnIndex() {
        database.write(() -> {
            log.append(Event.of("model.deleted", "a", "model/gone", "user:ada", Map.of()));
            for (int i = 0; i < 2_000; i++) {
                log.append(Event.of("run.created", i % 9 == 0 ? "b" : "a", "run/" + i, "user:ada", Map.of()));
            }
            log.append(Event.of("model.created", "a", "model/first", "user:ada", Map.of()));
        });
        Plans.analyze(database);
        Optional<String> a = Optional.of("a");
        assertThat(plansOfType("model.deleted", "model/gone")).allSatisfy(DatabaseContract::isByType);
        assertThat(plansOfType("model.", "model/first", "model/gone")).allSatisfy(DatabaseContract::isByType);
        assertThat(plansOfType("run", "run/1999", "run/1997", "run/1996")).allSatisfy(DatabaseContract::isByType);
        assertThat(plansOfType("", "model/first", "run/1999", "run/1997"))
                .allSatisfy(plan -> assertThat(plan).doesNotContain("Sort", "TEMP B-TREE", "SCAN event"));
        assertThat(subjects(query(a, Optional.of("none"), Optional.empty(), 9))).isEmpty();
        var page = log.newest(query(a, Optional.of("model."), Optional.empty(), 1));
        assertThat(page.more()).isTrue();
        long before = page.items().getFirst().position();
        assertThat(subjects(new EventQuery(
                        a, Optional.of("model."), Optional.empty(), Optional.empty(), Optional.of(before), 1)))
                .containsExactly("model/gone");
    }

    /** The plans of what reads events, but for the page of them that is read by position. */
    private List<String> plansOfType(String type, String... found) {
        var query = query(
                Optional.of("a"), Optional.of(type).filter(text -> !text.isEmpty()), Optional.empty(), found.length);
        List<String> plans =
                Plans.of(database, () -> assertThat(subjects(query)).containsExactly(found));
        return plans.subList(0, plans.size() - 1);
    }

    private static void isByType(String plan) {
        assertThat(plan).contains("event_by_type").doesNotContain("Seq Scan on event", "SCAN event");
    }

    /** Types of others' events are of any number; what then no index serves takes its turn. */
    @Test
    void eventsOfVeryManyTypesOrOfSeveralConditionsTakeTurns() {
        database.write(() -> {
            for (int i = 0; i < 150; i++) {
                log.append(Event.of("external.t" + i, "a", "external/" + i, "user:ada", Map.of()));
            }
        });
        var watched = new WatchedSearches(database);
        var events = new SqlEventLog(watched, Clock.systemUTC());
        Optional<String> any = Optional.empty();
        Optional<String> a = Optional.of("a");
        for (var query : List.of(
                query(a, Optional.of("external."), any, 150),
                query(a, Optional.of("external."), Optional.of("ada"), 150),
                query(any, Optional.of("external."), any, 150),
                new EventQuery(a, any, Optional.of("external/"), any, Optional.empty(), 150))) {
            assertThat(watched.of(() -> assertThat(events.newest(query).items()).hasSize(150)))
                    .as(query.toString())
                    .isEqualTo(1);
        }
        for (var query : List.of(
                query(a, any, any, 9),
                query(any, any, any, 9),
                query(any, any, Optional.of("ada"), 9),
                query(a, Optional.of("external.t7"), any, 9))) {
            assertThat(watched.of(() -> assertThat(events.newest(query).items()).isNotEmpty()))
                    .as(query.toString())
                    .isZero();
        }
    }

    /** Of a log that is mostly other people's, and of which a project has most: neither the whole nor the project is read. */
    @Test
    void whatAUserDidIsFoundByAnIndex() {
        database.write(() -> {
            for (int i = 0; i < 2_000; i++) {
                log.append(Event.of("model.created", "a", "model/m" + i, "user:u" + i % 50 + "/token:7", Map.of()));
                refuse("user:u" + i % 50 + "/token:7");
            }
            log.append(Event.of("model.created", "a", "model/first", "user:ada", Map.of()));
            refuse("user:ada");
        });
        Plans.analyze(database);
        Optional<String> ada = Optional.of("ada");
        for (Optional<String> project : List.of(Optional.<String>empty(), Optional.of("a"))) {
            assertThat(subjects(query(project, Optional.empty(), ada, 9))).containsExactly("model/first");
            assertThat(Plans.of(database, () -> log.newest(query(project, Optional.empty(), ada, 9)))
                            .getFirst())
                    .contains("event_by_user");
        }
        var refusals = new SqlRefusals(database);
        var wanted = new RefusalQuery(ada, Optional.empty(), Optional.empty(), Optional.empty(), 9);
        assertThat(refusals.newest(wanted).items()).hasSize(1);
        assertThat(Plans.of(database, () -> refusals.newest(wanted)).getFirst()).contains("audit_refusal_by_user");
    }

    private void refuse(String actor) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO audit_refusal (record_time, actor, address, method, path, code)
                        VALUES (0, :actor, '127.0.0.1', 'GET', '/', 'PERMISSION_DENIED')
                        """).bind("actor", actor).execute());
    }

    @Test
    void inboundEventsAreTakenOnce() {
        assertThat(log.rememberInbound("default", "/source", "1")).isTrue();
        assertThat(log.rememberInbound("default", "/source", "1")).isFalse();
        assertThat(log.rememberInbound("other", "/source", "1")).isTrue();
    }

    @Test
    void actionsAfterCommitRunOnTheCallersThread() {
        var threads = new ArrayList<Thread>();
        database.write(() -> {
            log.append(event("s"));
            database.afterCommit(() -> threads.add(Thread.currentThread()));
        });
        assertThat(threads).containsExactly(Thread.currentThread());
    }

    @Test
    void oldEventsGoButNotThoseThatSomebodyHasStillToSee() {
        for (int i = 0; i < 1_200; i++) {
            int number = i;
            database.write(() -> log.append(event("s" + number)));
        }
        long middle = log.after(0, 700).getLast().position();
        database.writing(handle -> handle.execute("INSERT INTO event_cursor VALUES ('slow', ?)", middle));
        var kept = new SqlEventRetention(database).kept(Optional.of(Duration.ofDays(10)), Duration.ofDays(30));
        Instant now = Instant.now();
        Kept events = kept.getFirst();
        assertThat(events.entries()).isEqualTo(1_200);
        assertThat(events.collect(now)).isZero();
        assertThat(events.collect(now.plus(Duration.ofDays(11)))).isEqualTo(700);
        assertThat(events.entries()).isEqualTo(500);
        assertThat(log.after(0, 1).getFirst().position()).isGreaterThan(middle);
        database.writing(handle -> handle.execute("DELETE FROM event_cursor"));
        assertThat(events.collect(now.plus(Duration.ofDays(11)))).isEqualTo(500);
        assertThat(events.entries()).isZero();
    }

    @Test
    void idsOfEventsFromOutsideAreForgottenAfterAWhile() {
        assertThat(log.rememberInbound("p", "source", "1")).isTrue();
        assertThat(log.rememberInbound("p", "source", "1")).isFalse();
        Kept inbound = new SqlEventRetention(database)
                .kept(Optional.empty(), Duration.ofDays(30))
                .getLast();
        assertThat(inbound.collect(Instant.now())).isZero();
        assertThat(inbound.collect(Instant.now().plus(Duration.ofDays(31)))).isEqualTo(1);
        assertThat(log.rememberInbound("p", "source", "1")).isTrue();
    }

    private void table(String columns) {
        database.writing(handle -> handle.execute("CREATE TABLE contended (" + columns + ")"));
    }

    private int number(String sql) {
        return database.reading(
                handle -> handle.createQuery(sql).mapTo(Integer.class).one());
    }

    @Test
    void whatAUnitHasReadOfARowIsStillSoWhenItWritesIt() {
        table("n INTEGER");
        database.writing(handle -> handle.execute("INSERT INTO contended VALUES (0)"));
        Contention.of(
                        25,
                        (thread, turn) -> database.writing(handle -> {
                            int read = number("SELECT n FROM contended");
                            return handle.execute("UPDATE contended SET n = ?", read + 1);
                        }))
                .allAnswered();
        assertThat(number("SELECT n FROM contended")).isEqualTo(25 * Contention.THREADS);
    }

    @Test
    void theNextNumberIsGivenOnce() {
        table("n INTEGER PRIMARY KEY");
        var given = Contention.of(
                        25,
                        (thread, turn) -> database.writing(handle -> {
                            int next = number("SELECT COALESCE(MAX(n), 0) + 1 FROM contended");
                            handle.execute("INSERT INTO contended VALUES (?)", next);
                            return next;
                        }))
                .allAnswered();
        assertThat(given).doesNotHaveDuplicates().hasSize(25 * Contention.THREADS);
    }

    @Test
    void unitsInSeriesSeeWhetherAnotherWasFirst() {
        table("turn INTEGER, thread INTEGER");
        Contention.of(
                        10,
                        (thread, turn) -> database.writeSerially(() -> database.writing(handle -> {
                            if (number("SELECT COUNT(*) FROM contended WHERE turn = " + turn) > 0) {
                                return 0;
                            }
                            return handle.execute("INSERT INTO contended VALUES (?, ?)", turn, thread);
                        })))
                .allAnswered();
        assertThat(number("SELECT COUNT(*) FROM contended")).isEqualTo(10);
    }

    @Test
    void aSlowUnitAmongFastOnesComesToItsEnd() throws Exception {
        table("n INTEGER");
        database.writing(handle -> handle.execute("INSERT INTO contended VALUES (0)"));
        var ended = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> fast = threads.submit(() -> {
                while (ended.get() == 0) {
                    database.writing(handle -> handle.execute("UPDATE contended SET n = n + 1"));
                }
            });
            database.writing(handle -> {
                int read = number("SELECT n FROM contended");
                sleep();
                return handle.execute("UPDATE contended SET n = ?", -read);
            });
            ended.set(1);
            fast.get();
        }
    }

    private static void sleep() {
        try {
            Thread.sleep(30);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void textWithTheCharacterNulIsRefused() {
        assertThatThrownBy(() -> database.write(() -> log.append(event("a\0b"))))
                .isInstanceOfSatisfying(TidemillException.class, refused -> {
                    assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT);
                    assertThat(refused).hasMessageContaining("NUL").hasMessageContaining("position 1");
                });
        assertThat(log.after(0, 10)).isEmpty();
    }

    @Test
    void caseIsFoldedAlikeOnEveryDatabase() {
        table("t VARCHAR(50)");
        var texts = List.of(
                "Straße",
                "STRASSE",
                "ÄRGER",
                "ärger",
                "Ὀδυσσεύς",
                "ὈΔΥΣΣΕΎΣ",
                "KELVIN",
                "\u212Aelvin",
                "a.b\nc",
                "Ж_ж");
        texts.forEach(text -> database.writing(handle -> handle.execute("INSERT INTO contended VALUES (?)", text)));
        assertThat(ilike("äRGer")).containsExactlyInAnyOrder("ÄRGER", "ärger");
        assertThat(ilike("%ä%")).containsExactlyInAnyOrder("ÄRGER", "ärger");
        assertThat(ilike("straß_")).containsExactly("Straße");
        assertThat(ilike("stra%")).containsExactlyInAnyOrder("Straße", "STRASSE");
        assertThat(ilike("ὀδυσσεύς")).containsExactlyInAnyOrder("Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ");
        assertThat(ilike("kelvin")).containsExactly("KELVIN");
        assertThat(ilike("A.B%")).containsExactly("a.b\nc");
        assertThat(ilike("ж\\_ж")).isEmpty();
        assertThat(ilike("ж_Ж")).containsExactly("Ж_ж");
    }

    private List<String> ilike(String pattern) {
        var condition = new SqlCondition(database.dialect());
        condition.and(condition.compare("t", Comparison.Operator.ILIKE, new Comparison.Text(pattern)));
        return database.reading(handle -> condition
                .bindAll(handle.createQuery("SELECT t FROM contended" + condition))
                .mapTo(String.class)
                .list());
    }

    /** As many as there are connections and more: those who read a row find one meanwhile. */
    @Test
    void longReadsLeaveConnectionsToShortOnes() throws Exception {
        var reached = new CountDownLatch(1);
        var through = new CountDownLatch(1);
        var threads = new ArrayList<Thread>();
        var failures = new ConcurrentLinkedQueue<Throwable>();
        try {
            for (int i = 0; i < 40; i++) {
                threads.add(Thread.ofVirtual().start(() -> {
                    try {
                        database.readingLong(handle -> {
                            reached.countDown();
                            return awaited(through);
                        });
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                }));
            }
            assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(CompletableFuture.supplyAsync(() -> database.reading(handle -> handle.createQuery("SELECT 1")
                                    .mapTo(Integer.class)
                                    .one()))
                            .get(20, TimeUnit.SECONDS))
                    .isEqualTo(1);
            int within = database.reading(handle -> database.readingLong(
                    own -> own.createQuery("SELECT 2").mapTo(Integer.class).one()));
            assertThat(within)
                    .as("within a unit of work its own connection is there")
                    .isEqualTo(2);
        } finally {
            through.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(failures).isEmpty();
    }

    /** However many of them there are, and however long they take. */
    @Test
    void longReadsOfOneCallerLeaveAPlaceToAnother() throws Exception {
        var budget = new BytesInFlight(1 << 20);
        var reached = new CountDownLatch(1);
        var through = new CountDownLatch(1);
        var threads = new ArrayList<Thread>();
        var failures = new ConcurrentLinkedQueue<Throwable>();
        try {
            for (int i = 0; i < 40; i++) {
                threads.add(Thread.ofVirtual().start(() -> {
                    try (var request = budget.open("user:ada")) {
                        RequestMemory.of(
                                request,
                                () -> database.readingLong(handle -> {
                                    reached.countDown();
                                    return awaited(through);
                                }));
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                }));
            }
            assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
            for (String other : List.of("user:ben", "user:eve")) {
                assertThat(CompletableFuture.supplyAsync(() -> one(budget, other))
                                .get(20, TimeUnit.SECONDS))
                        .isEqualTo(1);
            }
        } finally {
            through.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(failures).isEmpty();
    }

    private int one(BytesInFlight budget, String caller) {
        try (var request = budget.open(caller)) {
            return RequestMemory.of(
                    request,
                    () -> database.searching(handle ->
                            handle.createQuery("SELECT 1").mapTo(Integer.class).one()));
        }
    }

    /** A statement with its values written into it comes once, so that keeping it only fills memory. */
    @Test
    void longStatementsAreNotKept() {
        statement(0);
        long before = usedHeap();
        for (int i = 1; i <= 40; i++) {
            assertThat(statement(i)).isEqualTo(1);
        }
        assertThat(usedHeap() - before).isLessThan(10L << 20);
    }

    private int statement(int number) {
        return database.reading(
                handle -> handle.createQuery("SELECT 1 /* " + number + "," + "1234567,".repeat(50_000) + "*/")
                        .mapTo(Integer.class)
                        .one());
    }

    private static long usedHeap() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Who asks has gone by then, and there are few connections. */
    @Test
    void aSearchEndsAtItsDeadline() {
        long start = System.nanoTime();
        try (var request = new BytesInFlight(1 << 20).open("ada")) {
            assertThatThrownBy(() -> RequestMemory.of(
                            request,
                            () -> database.searching(handle ->
                                    handle.createQuery("""
                            WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 300000000)
                            SELECT COUNT(*) FROM counted
                            """).mapTo(Long.class).one())))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refused -> assertThat(refused.code()).isEqualTo(ErrorCode.TIMEOUT));
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(45));
        int next = database.reading(
                handle -> handle.createQuery("SELECT 1").mapTo(Integer.class).one());
        assertThat(next).as("the connection serves the next one").isEqualTo(1);
    }

    /** A statement takes some 32,000 values; a caller may name more. */
    @Test
    void numbersOfAnyCountAreBoundAsOneValue() {
        table("k BIGINT");
        List.of(1L, 7L, 50_000L, -3L, Long.MAX_VALUE)
                .forEach(k -> database.writing(handle -> handle.execute("INSERT INTO contended VALUES (?)", k)));
        assertThat(among(LongStream.range(0, 40_000).boxed().toList())).containsExactly(1L, 7L);
        assertThat(among(List.of(7L, -3L, Long.MAX_VALUE))).containsExactly(-3L, 7L, Long.MAX_VALUE);
        assertThat(among(Stream.concat(LongStream.range(100, 200).boxed(), Stream.of(-3L, Long.MAX_VALUE))
                        .toList()))
                .containsExactly(-3L, Long.MAX_VALUE);
        assertThat(among(List.of())).isEmpty();
    }

    private List<Long> among(List<Long> numbers) {
        var condition = new SqlCondition(database.dialect());
        condition.and(condition.among("k", numbers));
        return database.reading(handle -> condition
                .bindAll(handle.createQuery("SELECT k FROM contended" + condition + " ORDER BY k"))
                .mapTo(Long.class)
                .list());
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            return latch.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
