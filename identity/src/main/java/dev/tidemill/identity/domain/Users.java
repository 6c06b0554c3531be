package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.Names;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Users of the server: who there is, their passwords, and their sessions.
 *
 * <p>Once there are users one of them is an administrator: the first one is, the last one stays. Where a database says
 * otherwise, the server's start gives out a one-time secret with which one is made. Thread-safe.
 */
public final class Users {
    /** What setting up is throttled as; no user has this name. */
    private static final String SETUP = "/setup";

    private static final Duration SESSION = Duration.ofHours(12);

    private final IdentityStore store;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private final Rights rights;
    private final SignInThrottle throttle;

    public Users(IdentityStore store, Transactions transactions, EventLog events, Clock clock, Rights rights) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
        this.rights = rights;
        this.throttle = new SignInThrottle(clock);
    }

    /**
     * Where nobody administers the server, makes a one-time secret, which replaces every earlier one. A server on loopback
     * without users needs none. Secrets of earlier starts end here where there is an administrator.
     *
     * @return the secret, to be shown to the operator and never stored in the clear
     */
    public Optional<String> prepare() {
        // Rests on there being no administrator, which another process may be making.
        return transactions.writeSerially(() -> {
            rights.change();
            store.removeSetupSecrets();
            if (store.hasAdministrator() || rights.isOpen()) {
                return Optional.empty();
            }
            String secret = Ids.secret();
            store.putSetupSecret(Ids.sha256(secret));
            return Optional.of(secret);
        });
    }

    /**
     * Makes an administrator from the one-time secret. The secret is looked at first: a hash of a password takes long, and anybody may
     * ask.
     *
     * @param address of whoever tries
     * @throws TidemillException {@code UNAUTHENTICATED} if the secret is not valid: used, replaced by a later start, or ended by
     *     there being an administrator; {@code RATE_LIMITED} after failures from there; {@code ALREADY_EXISTS} if there is such a
     *     user, and the secret stays valid
     */
    public User setUp(String secret, String name, String password, String address) {
        throttle.check(SETUP, address);
        if (store.hasAdministrator() || !store.isSetupSecret(Ids.sha256(secret))) {
            throttle.failed(SETUP, address);
            throw invalidSetupSecret();
        }
        throttle.succeeded(SETUP, address);
        String passwordHash = Passwords.hash(Passwords.requireStrong(password));
        return transactions.writeSerially(() -> {
            if (store.hasAdministrator() || !store.takeSetupSecret(Ids.sha256(secret))) {
                throw invalidSetupSecret();
            }
            return insertUser(name, passwordHash, true, "setup");
        });
    }

    private static TidemillException invalidSetupSecret() {
        return new TidemillException(ErrorCode.UNAUTHENTICATED, "The one-time secret is not valid, or it has been used")
                .remedy("Take the secret from the server's output; a restart without an administrator prints a new"
                        + " one");
    }

    /**
     * Makes a user.
     *
     * @param administrator whether to be one; absent: only where there is none yet
     * @throws TidemillException {@code FAILED_PRECONDITION} for one who is to be no administrator where there is none yet: with
     *     the first user a server on loopback stops being open, and nobody could administer it any more
     */
    public User create(String name, String password, Optional<Boolean> administrator, String actor) {
        String passwordHash = Passwords.hash(Passwords.requireStrong(password));
        // Whether there is an administrator decides: of the first users that come at once only one is made one unasked.
        return transactions.writeSerially(() -> {
            boolean first = !store.hasAdministrator();
            if (first && !administrator.orElse(true)) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The first user must be an administrator, and '" + name
                                        + "' is to be none: nobody could" + " administer the server")
                        .at("administrator")
                        .remedy("Make an administrator first: leave 'administrator' out, or send true");
            }
            return insertUser(name, passwordHash, administrator.orElse(first), actor);
        });
    }

    private User insertUser(String name, String passwordHash, boolean administrator, String actor) {
        var user = new User(Names.require("name", name), administrator, clock.instant());
        if (store.findUser(name).isPresent()) {
            throw new TidemillException(ErrorCode.ALREADY_EXISTS, "There is a user '" + name + "' already");
        }
        store.insertUser(user, passwordHash);
        if (administrator) {
            store.removeSetupSecrets();
        }
        events.append(Event.of("user.created", "", "user/" + name, actor, Map.of("administrator", administrator)));
        rights.change();
        return user;
    }

    /** All users, by name. */
    public List<User> all() {
        return store.users();
    }

    /** @throws TidemillException {@code NOT_FOUND} */
    public User user(String name) {
        return store.findUser(name).orElseThrow(() -> TidemillException.notFound("user", name));
    }

    /**
     * Removes a user: sessions and tokens end at once, memberships go. What the user has done keeps the name.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} for the last administrator
     */
    public void delete(String name, String actor) {
        // Of the last administrators that are deleted at once one stays.
        transactions.writeSerially(() -> {
            if (user(name).administrator() && !store.hasAdministratorBeside(name)) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "'" + name + "' is the last administrator, and nobody could administer the server")
                        .remedy("Make another administrator first");
            }
            store.deleteUser(name);
            events.append(Event.of("user.deleted", "", "user/" + name, actor, Map.of()));
            rights.change();
            return name;
        });
    }

    /**
     * Gives the caller a new password. All sessions end, this one too. Of two that come at once with the same current password one
     * finds it replaced.
     *
     * @param current the password until now
     * @param address of whoever tries
     * @throws TidemillException {@code UNAUTHENTICATED} where the current password is not right, {@code RATE_LIMITED} after failures
     */
    public void changeOwnPassword(Principal caller, String current, String fresh, String address) {
        String name = user(caller.user()).name();
        throttle.check(name, address);
        Optional<String> seen = store.passwordHash(name).filter(hash -> Passwords.matches(current, hash));
        if (seen.isPresent()) {
            throttle.succeeded(name, address);
            String hash = Passwords.hash(Passwords.requireStrong(fresh));
            if (putPassword(name, Actor.of(caller), () -> store.replacePasswordHash(name, seen.get(), hash))) {
                return;
            }
        }
        throttle.failed(name, address);
        throw new TidemillException(ErrorCode.UNAUTHENTICATED, "The current password is not right");
    }

    /** Gives a user a new password, as an administrator who need not know the one until now. All sessions of the user end. */
    public void resetPassword(String name, String fresh, String actor) {
        user(name);
        String hash = Passwords.hash(Passwords.requireStrong(fresh));
        if (!putPassword(name, actor, () -> store.putPasswordHash(name, hash))) {
            throw TidemillException.notFound("user", name);
        }
    }

    /** False, and nothing done, where the password could not be put. */
    private boolean putPassword(String name, String actor, BooleanSupplier put) {
        return transactions.write(() -> {
            if (!put.getAsBoolean()) {
                return false;
            }
            store.deleteSessions(name);
            events.append(Event.of("user.password.changed", "", "user/" + name, actor, Map.of()));
            rights.change();
            return true;
        });
    }

    /** Ends all tokens and sessions of a user, those that are being made too; the user may sign in anew. How many tokens. */
    public int revokeAll(String name, String actor) {
        return transactions.write(() -> {
            if (!store.hold(name)) {
                throw TidemillException.notFound("user", name);
            }
            int ended = store.deleteTokens(name);
            store.deleteSessions(name);
            events.append(Event.of("user.access.ended", "", "user/" + name, actor, Map.of("tokens", ended)));
            rights.change();
            return ended;
        });
    }

    /**
     * A new session's secret for a user who knows the password. Matching takes long on purpose; a password that is replaced
     * meanwhile opens no session any more.
     *
     * @param address of whoever tries
     * @throws TidemillException {@code UNAUTHENTICATED}, or {@code RATE_LIMITED} after failures from there
     */
    public String signIn(String name, String password, String address) {
        throttle.check(name, address);
        Optional<String> stored = store.passwordHash(name);
        if (stored.isEmpty()) {
            Passwords.hash(password); // takes as long for a user that does not exist
        }
        Optional<String> session =
                stored.filter(hash -> Passwords.matches(password, hash)).flatMap(hash -> openSession(name, hash));
        if (session.isEmpty()) {
            throttle.failed(name, address);
            throw new TidemillException(ErrorCode.UNAUTHENTICATED, "User name and password do not match");
        }
        throttle.succeeded(name, address);
        return session.get();
    }

    /** Empty where the password is another than the one that was matched. */
    private Optional<String> openSession(String name, String matched) {
        String secret = Ids.secret();
        return transactions.write(() -> {
            if (!store.hold(name) || !store.passwordHash(name).equals(Optional.of(matched))) {
                return Optional.empty();
            }
            store.insertSession(Ids.sha256(secret), name, clock.instant().plus(SESSION));
            return Optional.of(secret);
        });
    }

    /** Ends a session; one that is not there changes nothing. */
    public void signOut(String secret) {
        store.deleteSession(Ids.sha256(secret));
        rights.change();
    }
}
