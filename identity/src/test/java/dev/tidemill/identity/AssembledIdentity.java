package dev.tidemill.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.identity.domain.IdentityStore;
import dev.tidemill.identity.domain.Project;
import dev.tidemill.identity.domain.Projects;
import dev.tidemill.identity.domain.Rights;
import dev.tidemill.identity.domain.Tokens;
import dev.tidemill.identity.domain.User;
import dev.tidemill.identity.domain.Users;
import dev.tidemill.identity.store.SqlIdentityStore;
import dev.tidemill.platform.auth.Authentication.Credentials;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.Database;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Users, tokens and projects with their rights, put together as in a server, for contracts on every database. */
abstract class AssembledIdentity {
    static final List<String> DOMAINS = List.of("platform", "identity");
    static final String PASSWORD = "correct horse battery staple";
    static final Instant NOW = Instant.parse("2026-11-21T08:00:00Z");

    Database database;
    IdentityStore store;
    Rights rights;
    Users users;
    Tokens tokens;
    Projects projects;

    /** The domain of a server, over one store. */
    record Assembled(Rights rights, Users users, Tokens tokens, Projects projects) {}

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        store = new SqlIdentityStore(database);
        Assembled assembled = on(store, true);
        rights = assembled.rights();
        users = assembled.users();
        tokens = assembled.tokens();
        projects = assembled.projects();
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

    /** Puts a server of its own together. */
    Assembled on(IdentityStore kept, boolean loopback) {
        var events = new SqlEventLog(database, Clock.systemUTC());
        var rights = new Rights(kept, database, Clock.systemUTC(), loopback);
        return new Assembled(
                rights,
                new Users(kept, database, events, Clock.systemUTC(), rights),
                new Tokens(kept, database, events, Clock.systemUTC(), rights),
                new Projects(kept, database, events, Clock.systemUTC(), rights));
    }

    /** Users as another server over the same database has them. */
    Users users(boolean loopback) {
        return on(store, loopback).users();
    }

    static Credentials session(String secret) {
        return new Credentials(Optional.of(secret), true);
    }

    static Credentials token(Tokens.NewToken made) {
        return new Credentials(Optional.of(made.secret()), false);
    }

    static Principal principal(String user, boolean administrator) {
        return new Principal("user:" + user, administrator, user, Optional.empty(), Optional.empty());
    }

    Tokens.NewToken tokenOf(Tokens tokens, String user) {
        String session = Ids.secret();
        store.insertSession(Ids.sha256(session), user, Instant.now().plusSeconds(60));
        return tokenOf(tokens, user, session);
    }

    static Tokens.NewToken tokenOf(Tokens tokens, String user, String session) {
        return tokens.create(
                principal(user, false),
                Optional.of(session),
                "ci",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Duration.ofDays(1));
    }

    /** A store as this one is, of which something happens right after a method was asked, or right before. */
    IdentityStore interrupted(String method, boolean before, Runnable what) {
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
    static Runnable beside(List<Thread> started, Runnable what) {
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

    static void assertUnauthenticated(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAUTHENTICATED));
    }
}
