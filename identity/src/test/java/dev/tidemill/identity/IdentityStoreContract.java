package dev.tidemill.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.identity.domain.Member;
import dev.tidemill.identity.domain.Project;
import dev.tidemill.identity.domain.Token;
import dev.tidemill.identity.store.SqlIdentityRetention;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.auth.Scope;
import dev.tidemill.testkit.Contention;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What an identity store promises, on every database. */
abstract class IdentityStoreContract extends AssembledIdentity {
    @Test
    void membersBelongToTheirProject() {
        store.putMember(new Member("bikes", "ada", Role.VIEWER));
        store.putMember(new Member("bikes", "ada", Role.MAINTAINER));
        assertThat(store.roleOf("bikes", "ada")).contains(Role.MAINTAINER);
        assertThat(store.roleOf("other", "ada")).isEmpty();
        assertThat(store.projectsOf("ada")).extracting(Project::name).containsExactly("bikes");
        assertThat(store.removeMember("bikes", "ada")).isTrue();
        assertThat(store.removeMember("bikes", "ada")).isFalse();
    }

    @Test
    void tokensAreFoundByTheirHashUntilRevoked() {
        var token = new Token(
                "t",
                "ada",
                "ci",
                Optional.of(Role.VIEWER),
                Optional.of("bikes"),
                Optional.of(Scope.METRICS),
                NOW,
                NOW.plusSeconds(60),
                Optional.empty());
        store.insertToken(token, "h");
        assertThat(store.findToken("h")).contains(token);
        store.touchToken("t", NOW);
        assertThat(store.findToken("h").orElseThrow().lastUsedAt()).contains(NOW);
        assertThat(store.deleteToken("eve", "t")).isFalse();
        assertThat(store.deleteToken("ada", "t")).isTrue();
        assertThat(store.findToken("h")).isEmpty();
    }

    @Test
    void sessionsExpire() {
        store.insertSession("s", "ada", NOW.plusSeconds(10));
        assertThat(store.sessionUser("s", NOW)).contains("ada");
        assertThat(store.sessionUser("s", NOW.plusSeconds(10))).isEmpty();
        store.deleteSession("s");
        assertThat(store.sessionUser("s", NOW)).isEmpty();
    }

    @Test
    void theSetupSecretIsTakenOnceAndTheNewestCounts() {
        store.putSetupSecret("old");
        store.putSetupSecret("new");
        assertThat(store.takeSetupSecret("old")).isFalse();
        assertThat(store.takeSetupSecret("new")).isTrue();
        assertThat(store.takeSetupSecret("new")).isFalse();
    }

    @Test
    void aOneTimeSecretIsTakenOnce() {
        store.putSetupSecret("hash");
        var taken = Contention.of(1, (thread, turn) -> database.write(() -> store.takeSetupSecret("hash")))
                .allAnswered();
        assertThat(taken.stream().filter(yes -> yes)).hasSize(1);
    }

    @Test
    void sessionsAndTokensGoOnceTheyHaveExpired() {
        var kept = SqlIdentityRetention.kept(database);
        store.insertSession("old", "ada", NOW.minusSeconds(60));
        store.insertSession("new", "ada", NOW.plusSeconds(60));
        store.insertToken(token("spent", NOW.minus(Duration.ofDays(31))), "a");
        store.insertToken(token("shown", NOW.minus(Duration.ofDays(29))), "b");
        store.insertToken(token("valid", NOW.plusSeconds(60)), "c");
        assertThat(kept.stream().mapToLong(rows -> rows.collect(NOW)).sum()).isEqualTo(2);
        assertThat(store.tokensOf("ada")).extracting(Token::id).containsExactlyInAnyOrder("shown", "valid");
        assertThat(store.sessionUser("new", NOW)).contains("ada");
        assertThat(database.<Long>reading(handle -> handle.createQuery("SELECT COUNT(*) FROM web_session")
                        .mapTo(Long.class)
                        .one()))
                .isEqualTo(1);
    }

    private static Token token(String id, Instant expiresAt) {
        return new Token(
                id,
                "ada",
                "",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                NOW.minus(Duration.ofDays(90)),
                expiresAt,
                Optional.empty());
    }
}
