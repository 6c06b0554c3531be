package dev.tidemill.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.identity.domain.Identity;
import dev.tidemill.identity.domain.IdentityStore;
import dev.tidemill.identity.domain.Member;
import dev.tidemill.identity.domain.Project;
import dev.tidemill.identity.domain.Token;
import dev.tidemill.identity.domain.User;
import dev.tidemill.identity.store.SqlIdentityRetention;
import dev.tidemill.identity.store.SqlIdentityStore;
import dev.tidemill.platform.auth.Authentication.Credentials;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.auth.Scope;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What an identity store promises, on every database. */
abstract class IdentityStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-21T08:00:00Z");

    private Database database;
    private IdentityStore store;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        store = new SqlIdentityStore(database);
        store.insertProject(new Project("bikes", "", NOW));
        store.insertProject(new Project("other", "", NOW));
        store.insertUser(new User("ada", true, NOW), "hash");
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

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
    void ofUsersAndProjectsOfOneNameOneIsMadeAndTheOthersAreTold() {
        var identity = identity();
        var users = Contention.of(
                4, (thread, turn) -> identity.createUser("user" + turn, PASSWORD, Optional.empty(), "test"));
        assertThat(users.answers()).hasSize(4);
        assertThat(users.refusals())
                .allSatisfy(refusal -> assertThat(refusal).hasMessageMatching("There is a user '.*' already"));
        var projects = Contention.of(
                4, (thread, turn) -> identity.createProject("project" + turn, "", Principal.localAdministrator()));
        assertThat(projects.answers()).hasSize(4);
        assertThat(projects.refusals())
                .allSatisfy(refusal -> assertThat(refusal).hasMessageMatching("There is a project '.*' already"));
        Contention.of(4, (thread, turn) -> identity.putMember("project" + turn, "user" + turn, Role.VIEWER, "test"))
                .allAnswered();
    }

    @Test
    void onlyTheFirstUserIsMadeAnAdministratorUnasked() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        var identity = identity();
        var made = Contention.of(
                        1, (thread, turn) -> identity.createUser("user" + thread, PASSWORD, Optional.empty(), "test"))
                .allAnswered();
        assertThat(made.stream().filter(User::administrator)).hasSize(1);
    }

    @Test
    void nobodyIsFirstWhoIsToBeNoAdministrator() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        var identity = identity(true);
        assertThatThrownBy(() -> identity.createUser("viewer", PASSWORD, Optional.of(false), "test"))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION))
                .hasMessageContaining("The first user must be an administrator");
        assertThat(identity.users()).isEmpty();
        assertThat(identity.authenticate(new Credentials(Optional.empty(), false)))
                .isPresent();
        assertThat(identity.createUser("ada", PASSWORD, Optional.empty(), "test")
                        .administrator())
                .isTrue();
        assertThat(identity.createUser("viewer", PASSWORD, Optional.of(false), "test")
                        .administrator())
                .isFalse();
        assertThat(identity.createUser("other", PASSWORD, Optional.empty(), "test")
                        .administrator())
                .isFalse();
    }

    @Test
    void ofFirstUsersThatComeAtOnceThereIsAlwaysAnAdministratorBeforeTheOthers() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        var identity = identity(true);
        var made = Contention.of(
                1,
                (thread, turn) -> identity.createUser("user" + thread, PASSWORD, Optional.of(thread % 2 == 0), "test"));
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
            assertThat(identity(loopback).prepare()).isPresent();
        }
        var identity = identity(true);
        String old = identity.prepare().orElseThrow();
        String secret = identity.prepare().orElseThrow();
        assertThat(identity.authenticate(new Credentials(Optional.empty(), false)))
                .isEmpty();
        assertThatThrownBy(() -> identity.setUp(old, "root", PASSWORD, "127.0.0.1"))
                .hasMessageContaining("is not valid");
        assertThatThrownBy(() -> identity.setUp(secret, "ada", PASSWORD, "127.0.0.1"))
                .hasMessageContaining("already");
        assertThat(identity.setUp(secret, "root", PASSWORD, "127.0.0.1").administrator())
                .isTrue();
        assertThat(identity.prepare()).isEmpty();
    }

    @Test
    void withTheFirstAdministratorEveryOneTimeSecretEnds() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        String secret = identity(false).prepare().orElseThrow();
        identity(true).createUser("root", PASSWORD, Optional.of(true), "test");
        assertThatThrownBy(() -> identity(false).setUp(secret, "eve", PASSWORD, "127.0.0.1"))
                .hasMessageContaining("is not valid");
        store.putSetupSecret("left");
        assertThat(identity(false).prepare()).isEmpty();
        assertThat(store.takeSetupSecret("left")).isFalse();
    }

    @Test
    void ofOneSecretAndOfTheLocalDoorOneFirstAdministratorComes() {
        database.writing(handle -> handle.execute("DELETE FROM user_account"));
        String secret = identity(false).prepare().orElseThrow();
        var local = identity(true);
        var made = Contention.of(
                1,
                (thread, turn) -> thread == 0
                        ? local.createUser("local", PASSWORD, Optional.empty(), "test")
                        : local.setUp(secret, "setup" + thread, PASSWORD, "127.0.0.1"));
        assertThat(store.users().stream().filter(User::administrator)).hasSize(1);
        assertThat(made.refusals()).allSatisfy(refusal -> assertThat(refusal).hasMessageContaining("is not valid"));
    }

    @Test
    void aOneTimeSecretIsTakenOnce() {
        store.putSetupSecret("hash");
        var taken = Contention.of(1, (thread, turn) -> database.write(() -> store.takeSetupSecret("hash")))
                .allAnswered();
        assertThat(taken.stream().filter(yes -> yes)).hasSize(1);
    }

    private static Credentials session(String secret) {
        return new Credentials(Optional.of(secret), true);
    }

    private static Credentials token(Identity.NewToken made) {
        return new Credentials(Optional.of(made.secret()), false);
    }

    private static Principal principal(String user, boolean administrator) {
        return new Principal("user:" + user, administrator, user, Optional.empty(), Optional.empty());
    }

    @Test
    void aLimitedTokenSeesAndEndsItselfAlone() {
        Identity identity = identity(store);
        Identity.NewToken whole = tokenOf(identity, "ada");
        Identity.NewToken limited = tokenOf(identity, "ada");
        var asLimited = new Principal(
                Principal.TOKEN + limited.token().id(), true, "ada", Optional.of(Role.VIEWER), Optional.empty());
        var asWhole =
                new Principal(Principal.TOKEN + whole.token().id(), true, "ada", Optional.empty(), Optional.empty());
        assertThat(identity.tokens(asLimited))
                .extracting(Token::id)
                .containsExactly(limited.token().id());
        assertThat(identity.tokens(asWhole)).hasSize(2);
        assertThatThrownBy(() -> identity.revokeToken(asLimited, whole.token().id()))
                .isInstanceOf(TidemillException.class);
        identity.revokeToken(asLimited, limited.token().id());
        assertThat(identity.tokens(asWhole))
                .extracting(Token::id)
                .containsExactly(whole.token().id());
    }

    private Identity.NewToken tokenOf(Identity identity, String user) {
        String session = Ids.secret();
        store.insertSession(Ids.sha256(session), user, Instant.now().plusSeconds(60));
        return tokenOf(identity, user, session);
    }

    private static Identity.NewToken tokenOf(Identity identity, String user, String session) {
        return identity.createToken(
                principal(user, false),
                Optional.of(session),
                "ci",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Duration.ofDays(1));
    }

    /** A store as this one is, of which something happens right after a method was asked, or right before. */
    private IdentityStore interrupted(String method, boolean before, Runnable what) {
        var once = new AtomicBoolean();
        return (IdentityStore) Proxy.newProxyInstance(
                IdentityStore.class.getClassLoader(), new Class<?>[] {IdentityStore.class}, (proxy, called, given) -> {
                    boolean now = called.getName().equals(method) && once.compareAndSet(false, true);
                    if (now && before) {
                        what.run();
                    }
                    try {
                        return called.invoke(store, given);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    } finally {
                        if (now && !before) {
                            what.run();
                        }
                    }
                });
    }

    /** Starts it beside and goes on when it has ended, or can be seen to wait. */
    private static Runnable beside(List<Thread> started, Runnable what) {
        return () -> {
            Thread thread = Thread.startVirtualThread(what);
            started.add(thread);
            try {
                thread.join(Duration.ofSeconds(1));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        };
    }

    private static void assertUnauthenticated(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAUTHENTICATED));
    }

    private boolean hasSession(String user) {
        return database.<Long>reading(
                        handle -> handle.createQuery("SELECT COUNT(*) FROM web_session WHERE user_name = :user")
                                .bind("user", user)
                                .mapTo(Long.class)
                                .one())
                > 0;
    }

    @Test
    void aPasswordThatIsReplacedWhileItIsMatchedOpensNothing() {
        var identity = identity();
        identity.createUser("bob", PASSWORD, Optional.of(false), "test");
        var resetting = identity(interrupted(
                "passwordHash", false, () -> identity.resetPassword("bob", "another long password", "user:ada")));
        assertUnauthenticated(() -> resetting.signIn("bob", PASSWORD, "127.0.0.1"));
        assertThat(hasSession("bob")).isFalse();

        var changing = identity(interrupted(
                "passwordHash",
                false,
                () -> identity.changeOwnPassword(
                        principal("bob", false), "another long password", "a third long password", "127.0.0.1")));
        assertUnauthenticated(() -> changing.changeOwnPassword(
                principal("bob", false), "another long password", "an attacker's password", "127.0.0.1"));
        assertThat(identity.signIn("bob", "a third long password", "127.0.0.1")).isNotEmpty();

        var deleting = identity(interrupted("passwordHash", false, () -> identity.deleteUser("bob", "user:ada")));
        assertUnauthenticated(() -> deleting.signIn("bob", "a third long password", "127.0.0.1"));
    }

    @Test
    void noTokenIsMadeBySessionsThatHaveEnded() {
        var identity = identity();
        identity.createUser("bob", PASSWORD, Optional.of(false), "test");
        String session = identity.signIn("bob", PASSWORD, "127.0.0.1");
        var ending = identity(interrupted("findUser", false, () -> identity.revokeAll("bob", "user:ada")));
        assertUnauthenticated(() -> tokenOf(ending, "bob", session));
        assertThat(identity.tokensOf("bob")).isEmpty();

        String hers = identity.signIn("bob", PASSWORD, "127.0.0.1");
        assertUnauthenticated(() -> tokenOf(identity, "ada", hers));
    }

    /** What ends all sessions waits for one that is being opened, and ends it as well. */
    @Test
    void accessThatIsBeingGivenEndsWithTheRest() throws Exception {
        var identity = identity();
        identity.createUser("bob", PASSWORD, Optional.of(false), "test");
        List<Runnable> endings = List.of(
                () -> identity.revokeAll("bob", "user:ada"),
                () -> identity.resetPassword("bob", "another long password", "user:ada"));
        for (Runnable ending : endings) {
            var started = new ArrayList<Thread>();
            identity(interrupted("insertSession", true, beside(started, ending)))
                    .signIn("bob", PASSWORD, "127.0.0.1");
            for (Thread thread : started) {
                thread.join();
            }
            assertThat(hasSession("bob")).isFalse();
        }
        identity.resetPassword("bob", PASSWORD, "user:ada");
        String session = identity.signIn("bob", PASSWORD, "127.0.0.1");
        var started = new ArrayList<Thread>();
        tokenOf(
                identity(
                        interrupted("insertToken", true, beside(started, () -> identity.revokeAll("bob", "user:ada")))),
                "bob",
                session);
        for (Thread thread : started) {
            thread.join();
        }
        assertThat(identity.tokensOf("bob")).isEmpty();
    }

    @Test
    void aUserWhoIsDeletedHasNoAccessAnyMore() {
        var identity = identity();
        identity.createUser("bob", PASSWORD, Optional.of(false), "test");
        identity.putMember("bikes", "bob", Role.MAINTAINER, "test");
        String signedIn = identity.signIn("bob", PASSWORD, "127.0.0.1");
        var token = tokenOf(identity, "bob");
        long before = identity.changes();

        identity.deleteUser("bob", "user:ada");

        assertThat(identity.authenticate(session(signedIn))).isEmpty();
        assertThat(identity.authenticate(token(token))).isEmpty();
        assertThat(store.members("bikes")).isEmpty();
        assertThat(identity.changes()).isGreaterThan(before);
        assertThatThrownBy(() -> identity.signIn("bob", PASSWORD, "127.0.0.1")).hasMessageContaining("do not match");
        assertThatThrownBy(() -> identity.deleteUser("bob", "user:ada"))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    void theLastAdministratorStays() {
        var identity = identity();
        assertThatThrownBy(() -> identity.deleteUser("ada", "user:ada"))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION));
        for (int i = 1; i < Contention.THREADS; i++) {
            store.insertUser(new User("root" + i, true, NOW), "hash");
        }
        var outcomes = Contention.of(1, (thread, turn) -> {
            identity.deleteUser(thread == 0 ? "ada" : "root" + thread, "test");
            return thread;
        });
        assertThat(outcomes.answers()).hasSize(Contention.THREADS - 1);
        assertThat(store.users()).hasSize(1);
    }

    @Test
    void aNewPasswordEndsSessionsAndTheOldOne() {
        var identity = identity();
        identity.createUser("bob", PASSWORD, Optional.of(false), "test");
        String first = identity.signIn("bob", PASSWORD, "127.0.0.1");
        String fresh = "another long password";
        assertThatThrownBy(() -> identity.changeOwnPassword(principal("bob", false), "a guess", fresh, "127.0.0.1"))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAUTHENTICATED));
        assertThatThrownBy(() -> identity.changeOwnPassword(principal("bob", false), PASSWORD, "short", "127.0.0.1"))
                .isInstanceOf(TidemillException.class);
        assertThat(identity.authenticate(session(first))).isPresent();

        identity.changeOwnPassword(principal("bob", false), PASSWORD, fresh, "127.0.0.1");

        assertThat(identity.authenticate(session(first))).isEmpty();
        String second = identity.signIn("bob", fresh, "127.0.0.1");
        identity.resetPassword("bob", PASSWORD, "user:ada");
        assertThat(identity.authenticate(session(second))).isEmpty();
        assertThat(identity.authenticate(session(identity.signIn("bob", PASSWORD, "127.0.0.1"))))
                .isPresent();
        assertThatThrownBy(() -> identity.resetPassword("eve", PASSWORD, "user:ada"))
                .isInstanceOf(TidemillException.class);
    }

    @Test
    void allTokensAndSessionsOfAUserEndAtOnce() {
        var identity = identity();
        identity.createUser("bob", PASSWORD, Optional.of(false), "test");
        String signedIn = identity.signIn("bob", PASSWORD, "127.0.0.1");
        var token = tokenOf(identity, "bob");
        var other = tokenOf(identity, "ada");
        assertThat(identity.tokensOf("bob")).hasSize(1);

        assertThat(identity.revokeAll("bob", "user:ada")).isEqualTo(1);

        assertThat(identity.authenticate(session(signedIn))).isEmpty();
        assertThat(identity.authenticate(token(token))).isEmpty();
        assertThat(identity.authenticate(token(other))).isPresent();
        assertThat(identity.signIn("bob", PASSWORD, "127.0.0.1")).isNotEmpty();
    }

    private static final String PASSWORD = "correct horse battery staple";

    private Identity identity() {
        return identity(true);
    }

    private Identity identity(IdentityStore kept) {
        return new Identity(kept, database, new SqlEventLog(database, Clock.systemUTC()), Clock.systemUTC(), true);
    }

    private Identity identity(boolean loopback) {
        return new Identity(store, database, new SqlEventLog(database, Clock.systemUTC()), Clock.systemUTC(), loopback);
    }

    @Test
    void aWrongOneTimeSecretCostsNoHashOfAPasswordAndIsThrottled() {
        var identity = identity(false);
        // A password that is too weak is refused where it is looked at: not before the secret.
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> identity.setUp("guess", "eve", "x", "192.0.2.1"))
                    .hasMessageContaining("is not valid");
        }
        assertThatThrownBy(() -> identity.setUp("guess", "eve", "x", "192.0.2.1"))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RATE_LIMITED));
        assertThatThrownBy(() -> identity.setUp("guess", "eve", "x", "192.0.2.2"))
                .hasMessageContaining("is not valid");
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
