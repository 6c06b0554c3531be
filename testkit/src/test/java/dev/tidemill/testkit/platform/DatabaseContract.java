package dev.tidemill.testkit.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventRetention;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.sql.Database;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
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
        assertThat(log.after(0, 1000)).hasSize(66);
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
        dev.tidemill.testkit.Await.until("the action ran", () -> ran.get() == 1);
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
        var events = log.after(0, 3);
        assertThat(events).extracting(stored -> stored.event().subject()).containsExactly("s0", "s1", "s2");
        assertThat(events.getFirst().event().digest()).contains("d");
        assertThat(log.after(events.getLast().position(), 10)).hasSize(2);
        assertThat(log.newest(
                        "default",
                        java.util.Optional.of("test."),
                        java.util.Optional.empty(),
                        java.util.Optional.empty(),
                        2))
                .extracting(stored -> stored.event().subject())
                .containsExactly("s4", "s3");
        assertThat(log.newest(
                        "other", java.util.Optional.empty(), java.util.Optional.empty(), java.util.Optional.empty(), 2))
                .isEmpty();
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
        var kept = new EventRetention(database).kept(Optional.of(Duration.ofDays(10)), Duration.ofDays(30));
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
        Kept inbound = new EventRetention(database)
                .kept(Optional.empty(), Duration.ofDays(30))
                .getLast();
        assertThat(inbound.collect(Instant.now())).isZero();
        assertThat(inbound.collect(Instant.now().plus(Duration.ofDays(31)))).isEqualTo(1);
        assertThat(log.rememberInbound("p", "source", "1")).isTrue();
    }
}
