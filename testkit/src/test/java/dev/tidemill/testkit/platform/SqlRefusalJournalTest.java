package dev.tidemill.testkit.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.audit.RefusalQuery;
import dev.tidemill.platform.audit.SqlRefusals;
import dev.tidemill.platform.audit.StoredRefusal;
import dev.tidemill.platform.auth.RefusalJournal.Refusal;
import dev.tidemill.platform.auth.SqlRefusalJournal;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.events.SqlEventRetention;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SqlRefusalJournalTest {
    private static final Instant NOW = Instant.parse("2026-11-27T18:00:00Z");

    private final Database database = TestDatabase.sqlite(List.of("platform"));
    private final SqlRefusalJournal journal = new SqlRefusalJournal(database, Clock.fixed(NOW, ZoneOffset.UTC));

    @AfterEach
    void close() {
        database.close();
    }

    private void refuse(String actor, String address, String path) {
        journal.record(new Refusal(actor, address, "GET", path, ErrorCode.UNAUTHENTICATED));
    }

    private List<String> written() {
        return database.reading(handle -> handle.createQuery(
                        "SELECT actor || ' ' || address || ' ' || path || ' ' || times FROM audit_refusal ORDER BY"
                                + " position")
                .mapTo(String.class)
                .list());
    }

    @Test
    void refusalsThatAreAlikeAreCountedAndNotWrittenOneByOne() {
        for (int i = 0; i < 500; i++) {
            refuse("unknown", "192.0.2.1", "/" + i);
        }
        refuse("unknown", "192.0.2.2", "/other");
        refuse("user:ada", "192.0.2.1", "/a");
        refuse("user:ada", "192.0.2.1", "/b");
        journal.close();
        assertThat(written())
                .containsExactlyInAnyOrder(
                        "unknown 192.0.2.1 /0 1",
                        "unknown 192.0.2.1 /499 499",
                        "unknown 192.0.2.2 /other 1",
                        "user:ada 192.0.2.1 /a 1",
                        "user:ada 192.0.2.1 /b 1");
    }

    @Test
    void refusalsAreReadNewestFirstAndByUser() {
        refuse("unknown", "192.0.2.1", "/a");
        refuse("user:ada", "192.0.2.1", "/b");
        refuse("user:ada/token:0193", "192.0.2.2", "/c");
        refuse("user:ada-2", "192.0.2.2", "/d");
        journal.close();
        var refusals = new SqlRefusals(database);
        Optional<String> any = Optional.empty();
        var first = refusals.newest(new RefusalQuery(any, any, any, Optional.empty(), 3));
        assertThat(first.more()).isTrue();
        assertThat(first.items()).extracting(StoredRefusal::path).containsExactly("/d", "/c", "/b");
        var rest = refusals.newest(new RefusalQuery(
                any, any, any, Optional.of(first.items().getLast().position()), 3));
        assertThat(rest.more()).isFalse();
        assertThat(rest.items())
                .containsExactly(new StoredRefusal(1, NOW, "unknown", "192.0.2.1", "GET", "/a", "UNAUTHENTICATED", 1));
        assertThat(refusals.newest(new RefusalQuery(Optional.of("ada"), any, any, Optional.empty(), 9))
                        .items())
                .extracting(StoredRefusal::path)
                .containsExactly("/c", "/b");
        assertThat(refusals.newest(new RefusalQuery(
                                any, Optional.of("192.0.2.2"), Optional.of("UNAUTHENTICATED"), Optional.empty(), 9))
                        .items())
                .extracting(StoredRefusal::path)
                .containsExactly("/d", "/c");
        assertThat(refusals.newest(new RefusalQuery(any, any, Optional.of("PERMISSION_DENIED"), Optional.empty(), 9))
                        .items())
                .isEmpty();
    }

    @Test
    void theNewestRefusalsStayHoweverLongTheyAreToBeKept() {
        journal.close();
        Kept refusals = new SqlEventRetention(database)
                .kept(Optional.empty(), Duration.ofDays(30)).stream()
                        .filter(kept -> kept.name().equals("refusals"))
                        .findFirst()
                        .orElseThrow();
        assertThat(refusals.most()).hasValue(100_000);
        database.writing(handle -> handle.execute("""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100020)
            INSERT INTO audit_refusal (record_time, actor, address, method, path, code)
            SELECT i, 'unknown', '192.0.2.1', 'GET', '/', 'UNAUTHENTICATED' FROM n
            """));
        assertThat(refusals.collect(NOW)).isEqualTo(20);
        assertThat(refusals.entries()).isEqualTo(100_000);
    }
}
