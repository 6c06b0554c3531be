package dev.tidemill.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.identity.domain.User;
import dev.tidemill.identity.domain.Users;
import dev.tidemill.platform.auth.Authentication.Credentials;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Contention;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Users, their passwords, sessions and the first administrator, on every database. */
abstract class UsersContract extends AssembledIdentity {
    @Test
    void ofUsersOfOneNameOneIsMadeAndTheOthersAreTold() {
        var made = Contention.of(4, (thread, turn) -> users.create("user" + turn, PASSWORD, Optional.empty(), "test"));
        assertThat(made.answers()).hasSize(4);
        assertThat(made.refusals())
                .allSatisfy(refusal -> assertThat(refusal).hasMessageMatching("There is a user '.*' already"));
    }

    @Test
    void onlyTheFirstUserIsMadeAnAdministratorUnasked() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        var made = Contention.of(1, (thread, turn) -> users.create("user" + thread, PASSWORD, Optional.empty(), "test"))
                .allAnswered();
        assertThat(made.stream().filter(User::administrator)).hasSize(1);
    }

    @Test
    void nobodyIsFirstWhoIsToBeNoAdministrator() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        assertThatThrownBy(() -> users.create("viewer", PASSWORD, Optional.of(false), "test"))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION))
                .hasMessageContaining("The first user must be an administrator");
        assertThat(users.all()).isEmpty();
        assertThat(rights.authenticate(new Credentials(Optional.empty(), false)))
                .isPresent();
        assertThat(users.create("ada", PASSWORD, Optional.empty(), "test").administrator())
                .isTrue();
        assertThat(users.create("viewer", PASSWORD, Optional.of(false), "test").administrator())
                .isFalse();
        assertThat(users.create("other", PASSWORD, Optional.empty(), "test").administrator())
                .isFalse();
    }

    @Test
    void ofFirstUsersThatComeAtOnceThereIsAlwaysAnAdministratorBeforeTheOthers() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        var made = Contention.of(
                1, (thread, turn) -> users.create("user" + thread, PASSWORD, Optional.of(thread % 2 == 0), "test"));
        assertThat(made.refusals())
                .allSatisfy(
                        refusal -> assertThat(refusal).hasMessageContaining("The first user must be an administrator"));
        assertThat(made.answers().stream().filter(User::administrator)).hasSize(Contention.THREADS / 2);
        assertThat(store.users()).hasSameSizeAs(made.answers());
    }

    @Test
    void usersWithoutAnAdministratorGetAOneTimeSecretAtTheNextStart() {
        database.writing(handle -> handle.execute("UPDATE user_account SET administrator = FALSE"));
        for (boolean loopback : new boolean[] {true, false}) {
            assertThat(users(loopback).prepare()).isPresent();
        }
        String old = users.prepare().orElseThrow();
        String secret = users.prepare().orElseThrow();
        assertThat(rights.authenticate(new Credentials(Optional.empty(), false)))
                .isEmpty();
        assertThatThrownBy(() -> users.setUp(old, "root", PASSWORD, "127.0.0.1"))
                .hasMessageContaining("is not valid");
        assertThatThrownBy(() -> users.setUp(secret, "ada", PASSWORD, "127.0.0.1"))
                .hasMessageContaining("already");
        assertThat(users.setUp(secret, "root", PASSWORD, "127.0.0.1").administrator())
                .isTrue();
        assertThat(users.prepare()).isEmpty();
    }

    @Test
    void withTheFirstAdministratorEveryOneTimeSecretEnds() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        String secret = users(false).prepare().orElseThrow();
        users(true).create("root", PASSWORD, Optional.of(true), "test");
        assertThatThrownBy(() -> users(false).setUp(secret, "eve", PASSWORD, "127.0.0.1"))
                .hasMessageContaining("is not valid");
        store.putSetupSecret("left");
        assertThat(users(false).prepare()).isEmpty();
        assertThat(store.takeSetupSecret("left")).isFalse();
    }

    @Test
    void ofOneSecretAndOfTheLocalDoorOneFirstAdministratorComes() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        String secret = users(false).prepare().orElseThrow();
        var made = Contention.of(
                1,
                (thread, turn) -> thread == 0
                        ? users.create("local", PASSWORD, Optional.empty(), "test")
                        : users.setUp(secret, "setup" + thread, PASSWORD, "127.0.0.1"));
        assertThat(store.users().stream().filter(User::administrator)).hasSize(1);
        assertThat(made.refusals()).allSatisfy(refusal -> assertThat(refusal).hasMessageContaining("is not valid"));
    }

    @Test
    void aPasswordThatIsReplacedWhileItIsMatchedOpensNothing() {
        users.create("bob", PASSWORD, Optional.of(false), "test");
        Users resetting = on(
                        interrupted(
                                "passwordHash",
                                false,
                                () -> users.resetPassword("bob", "another long password", "user:ada")),
                        true)
                .users();
        assertUnauthenticated(() -> resetting.signIn("bob", PASSWORD, "127.0.0.1"));
        assertThat(hasSession("bob")).isFalse();

        Users changing = on(
                        interrupted(
                                "passwordHash",
                                false,
                                () -> users.changeOwnPassword(
                                        principal("bob", false),
                                        "another long password",
                                        "a third long password",
                                        "127.0.0.1")),
                        true)
                .users();
        assertUnauthenticated(() -> changing.changeOwnPassword(
                principal("bob", false), "another long password", "an attacker's password", "127.0.0.1"));
        assertThat(users.signIn("bob", "a third long password", "127.0.0.1")).isNotEmpty();

        Users deleting = on(interrupted("passwordHash", false, () -> users.delete("bob", "user:ada")), true)
                .users();
        assertUnauthenticated(() -> deleting.signIn("bob", "a third long password", "127.0.0.1"));
    }

    /** What ends all sessions waits for one that is being opened, and ends it as well. */
    @Test
    void accessThatIsBeingGivenEndsWithTheRest() throws Exception {
        users.create("bob", PASSWORD, Optional.of(false), "test");
        List<Runnable> endings = List.of(
                () -> users.revokeAll("bob", "user:ada"),
                () -> users.resetPassword("bob", "another long password", "user:ada"));
        for (Runnable ending : endings) {
            var started = new ArrayList<Thread>();
            on(interrupted("insertSession", true, beside(started, ending)), true)
                    .users()
                    .signIn("bob", PASSWORD, "127.0.0.1");
            for (Thread thread : started) {
                thread.join();
            }
            assertThat(hasSession("bob")).isFalse();
        }
        users.resetPassword("bob", PASSWORD, "user:ada");
        String session = users.signIn("bob", PASSWORD, "127.0.0.1");
        var started = new ArrayList<Thread>();
        tokenOf(
                on(interrupted("insertToken", true, beside(started, () -> users.revokeAll("bob", "user:ada"))), true)
                        .tokens(),
                "bob",
                session);
        for (Thread thread : started) {
            thread.join();
        }
        assertThat(tokens.of(users.user("bob"))).isEmpty();
    }

    @Test
    void aUserWhoIsDeletedHasNoAccessAnyMore() {
        users.create("bob", PASSWORD, Optional.of(false), "test");
        projects.putMember("bikes", "bob", Role.MAINTAINER, "test");
        String signedIn = users.signIn("bob", PASSWORD, "127.0.0.1");
        var token = tokenOf(tokens, "bob");
        long before = rights.changes();

        users.delete("bob", "user:ada");

        assertThat(rights.authenticate(session(signedIn))).isEmpty();
        assertThat(rights.authenticate(token(token))).isEmpty();
        assertThat(store.members("bikes")).isEmpty();
        assertThat(rights.changes()).isGreaterThan(before);
        assertThatThrownBy(() -> users.signIn("bob", PASSWORD, "127.0.0.1")).hasMessageContaining("do not match");
        assertThatThrownBy(() -> users.delete("bob", "user:ada"))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    void theLastAdministratorStays() {
        assertThatThrownBy(() -> users.delete("ada", "user:ada"))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION));
        for (int i = 1; i < Contention.THREADS; i++) {
            store.insertUser(new User("root" + i, true, NOW), "hash");
        }
        var outcomes = Contention.of(1, (thread, turn) -> {
            users.delete(thread == 0 ? "ada" : "root" + thread, "test");
            return thread;
        });
        assertThat(outcomes.answers()).hasSize(Contention.THREADS - 1);
        assertThat(store.users()).hasSize(1);
    }

    @Test
    void aNewPasswordEndsSessionsAndTheOldOne() {
        users.create("bob", PASSWORD, Optional.of(false), "test");
        String first = users.signIn("bob", PASSWORD, "127.0.0.1");
        String fresh = "another long password";
        assertThatThrownBy(() -> users.changeOwnPassword(principal("bob", false), "a guess", fresh, "127.0.0.1"))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAUTHENTICATED));
        assertThatThrownBy(() -> users.changeOwnPassword(principal("bob", false), PASSWORD, "short", "127.0.0.1"))
                .isInstanceOf(TidemillException.class);
        assertThat(rights.authenticate(session(first))).isPresent();

        users.changeOwnPassword(principal("bob", false), PASSWORD, fresh, "127.0.0.1");

        assertThat(rights.authenticate(session(first))).isEmpty();
        String second = users.signIn("bob", fresh, "127.0.0.1");
        users.resetPassword("bob", PASSWORD, "user:ada");
        assertThat(rights.authenticate(session(second))).isEmpty();
        assertThat(rights.authenticate(session(users.signIn("bob", PASSWORD, "127.0.0.1"))))
                .isPresent();
        assertThatThrownBy(() -> users.resetPassword("eve", PASSWORD, "user:ada"))
                .isInstanceOf(TidemillException.class);
    }

    @Test
    void aWrongOneTimeSecretCostsNoHashOfAPasswordAndIsThrottled() {
        Users strict = users(false);
        // A password that is too weak is refused where it is looked at: not before the secret.
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> strict.setUp("guess", "eve", "x", "192.0.2.1"))
                    .hasMessageContaining("is not valid");
        }
        assertThatThrownBy(() -> strict.setUp("guess", "eve", "x", "192.0.2.1"))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RATE_LIMITED));
        assertThatThrownBy(() -> strict.setUp("guess", "eve", "x", "192.0.2.2")).hasMessageContaining("is not valid");
    }

    private boolean hasSession(String user) {
        return database.<Long>reading(
                        handle -> handle.createQuery("SELECT COUNT(*) FROM web_session WHERE user_name = :user")
                                .bind("user", user)
                                .mapTo(Long.class)
                                .one())
                > 0;
    }
}
