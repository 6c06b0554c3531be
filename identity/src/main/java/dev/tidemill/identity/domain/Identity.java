package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.auth.Scope;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.Names;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * Who is who and who may do what.
 *
 * <p>A server that listens on loopback and has no users belongs to whoever sits at it. The first user, made with the
 * one-time secret or by that local administrator, ends this. Once there are users one of them is an administrator; where a
 * database says otherwise, the server's start gives out a one-time secret. Thread-safe.
 */
public final class Identity implements Authentication {
    /** What setting up is throttled as; no user has this name. */
    private static final String SETUP = "/setup";

    private static final Duration SESSION = Duration.ofHours(12);
    private static final Duration LONGEST_TOKEN = Duration.ofDays(366);
    private static final Duration TOUCH = Duration.ofMinutes(1);
    private static final String TOKEN_PREFIX = "tdm_";

    private final IdentityStore store;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private final boolean loopback;
    private final SignInThrottle throttle;
    private final Map<String, Instant> touched = new ConcurrentHashMap<>();
    private final AtomicLong changes = new AtomicLong();
    private volatile boolean hasUsers;

    public Identity(IdentityStore store, Transactions transactions, EventLog events, Clock clock, boolean loopback) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
        this.loopback = loopback;
        this.throttle = new SignInThrottle(clock);
    }

    /**
     * Prepares a server: the default project, and where nobody administers it a one-time secret, which replaces every
     * earlier one. A server on loopback without users needs none. Secrets of earlier starts end here where there is an
     * administrator.
     *
     * @return the secret, to be shown to the operator and never stored in the clear
     */
    public Optional<String> prepare() {
        // Rests on there being no administrator, which another process may be making.
        return transactions.writeSerially(() -> {
            rightsChange();
            if (store.findProject(Project.DEFAULT).isEmpty()) {
                insertProject(Project.DEFAULT, "", Event.SYSTEM);
            }
            hasUsers = store.hasUsers();
            store.removeSetupSecrets();
            if (store.hasAdministrator() || (loopback && !hasUsers)) {
                return Optional.empty();
            }
            String secret = Ids.secret();
            store.putSetupSecret(Ids.sha256(secret));
            return Optional.of(secret);
        });
    }

    /** Grows whenever somebody's rights may have become less. */
    public long changes() {
        return changes.get();
    }

    private void rightsChange() {
        transactions.afterCommit(changes::incrementAndGet);
    }

    @Override
    public Optional<Principal> authenticate(Credentials credentials) {
        if (credentials.secret().isEmpty()) {
            return loopback && !hasUsers() ? Optional.of(Principal.localAdministrator()) : Optional.empty();
        }
        String hash = Ids.sha256(credentials.secret().get());
        if (credentials.session()) {
            return store.sessionUser(hash, clock.instant())
                    .flatMap(store::findUser)
                    .map(user -> new Principal(
                            "user:" + user.name(),
                            user.administrator(),
                            user.name(),
                            Optional.empty(),
                            Optional.empty()));
        }
        return store.findToken(hash)
                .filter(token -> token.expiresAt().isAfter(clock.instant()))
                .flatMap(this::principal);
    }

    private Optional<Principal> principal(Token token) {
        touch(token);
        return store.findUser(token.user()).map(user -> {
            boolean full = token.roleCap().map(cap -> cap == Role.ADMIN).orElse(true)
                    && token.onlyProject().isEmpty()
                    && token.scope().isEmpty();
            return new Principal(
                    "token:" + token.id(),
                    user.administrator() && full,
                    user.name(),
                    token.roleCap(),
                    token.onlyProject(),
                    token.scope());
        });
    }

    private void touch(Token token) {
        Instant now = clock.instant();
        Instant last = touched.get(token.id());
        if (last == null || last.plus(TOUCH).isBefore(now)) {
            touched.put(token.id(), now);
            store.touchToken(token.id(), now);
        }
    }

    private boolean hasUsers() {
        if (!hasUsers) {
            hasUsers = store.hasUsers();
        }
        return hasUsers;
    }

    @Override
    public Optional<Role> role(Principal principal, String project) {
        if (store.findProject(project).isEmpty()
                || principal.onlyProject().filter(only -> !only.equals(project)).isPresent()) {
            return Optional.empty();
        }
        Optional<Role> own =
                store.findUser(principal.user()).map(User::administrator).orElse(principal.administrator())
                        ? Optional.of(Role.ADMIN)
                        : store.roleOf(project, principal.user());
        return own.map(role -> principal.roleCap().map(role::atMost).orElse(role));
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
    public User createUser(String name, String password, Optional<Boolean> administrator, String actor) {
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
        rightsChange();
        transactions.afterCommit(() -> hasUsers = true);
        return user;
    }

    public List<User> users() {
        return store.users();
    }

    /** @throws TidemillException {@code NOT_FOUND} */
    private User user(String name) {
        return store.findUser(name).orElseThrow(() -> TidemillException.notFound("user", name));
    }

    /**
     * Removes a user: sessions and tokens end at once, memberships go. What the user has done keeps the name.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} for the last administrator
     */
    public void deleteUser(String name, String actor) {
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
            rightsChange();
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
            rightsChange();
            return true;
        });
    }

    /** Tokens of a user, for an administrator. */
    public List<Token> tokensOf(String name) {
        return store.tokensOf(user(name).name());
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
            rightsChange();
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

    public void signOut(String secret) {
        store.deleteSession(Ids.sha256(secret));
        rightsChange();
    }

    /** A new token together with its secret, which is shown this once. */
    public record NewToken(Token token, String secret) {}

    /**
     * Makes a token for a user who has signed in.
     *
     * @param session the secret of the session that asks, if one does; it has to last until the token is made
     * @throws TidemillException {@code FAILED_PRECONDITION} where there is no user to own it, {@code PERMISSION_DENIED} for a token,
     *     {@code UNAUTHENTICATED} where the session has ended meanwhile
     */
    public NewToken createToken(
            Principal owner,
            Optional<String> session,
            String label,
            Optional<Role> roleCap,
            Optional<String> onlyProject,
            Optional<Scope> scope,
            Duration validFor) {
        if (store.findUser(owner.user()).isEmpty()) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION, "A token belongs to a user, and there is none yet")
                    .remedy("Create a user first");
        }
        if (owner.id().startsWith(Principal.TOKEN)) {
            throw new TidemillException(ErrorCode.PERMISSION_DENIED, "A token cannot make tokens; sign in");
        }
        if (validFor.isNegative() || validFor.isZero() || validFor.compareTo(LONGEST_TOKEN) > 0) {
            throw TidemillException.invalid("validFor", validFor + " is not between a moment and " + LONGEST_TOKEN);
        }
        onlyProject.ifPresent(project -> {
            if (role(owner, project).isEmpty()) {
                throw TidemillException.notFound("project", project);
            }
        });
        if (scope.isPresent() && !owner.administrator()) {
            throw new TidemillException(
                    ErrorCode.PERMISSION_DENIED, "A token of scope metrics takes an administrator of the server");
        }
        String secret = TOKEN_PREFIX + Ids.secret();
        Instant now = clock.instant();
        var token = new Token(
                Ids.next(),
                owner.user(),
                label,
                roleCap,
                onlyProject,
                scope,
                now,
                now.plus(validFor),
                Optional.empty());
        transactions.write(() -> {
            boolean lasts = store.hold(owner.user())
                    && session.flatMap(asks -> store.sessionUser(Ids.sha256(asks), now))
                            .equals(Optional.of(owner.user()));
            if (!lasts) {
                throw new TidemillException(ErrorCode.UNAUTHENTICATED, "The session has ended, and no token is made")
                        .remedy("Sign in again");
            }
            store.insertToken(token, Ids.sha256(secret));
            events.append(Event.of("token.created", "", "token/" + token.id(), Actor.of(owner), facts(token)));
        });
        return new NewToken(token, secret);
    }

    /** Tokens that the caller may see: all of its user, for a limited token itself alone. */
    public List<Token> tokens(Principal owner) {
        return store.tokensOf(owner.user()).stream()
                .filter(token -> maySee(owner, token.id()))
                .toList();
    }

    private static boolean maySee(Principal owner, String token) {
        return !owner.isLimited() || owner.id().equals(Principal.TOKEN + token);
    }

    /**
     * Ends a token.
     *
     * @throws TidemillException {@code NOT_FOUND} for one that the caller may not see
     */
    public void revokeToken(Principal owner, String id) {
        transactions.write(() -> {
            if (!maySee(owner, id) || !store.deleteToken(owner.user(), id)) {
                throw TidemillException.notFound("token", id);
            }
            events.append(Event.of("token.deleted", "", "token/" + id, Actor.of(owner), Map.of("user", owner.user())));
            rightsChange();
        });
    }

    private static Map<String, String> facts(Token token) {
        var facts = new LinkedHashMap<String, String>();
        facts.put("user", token.user());
        facts.put("label", token.label());
        token.roleCap().ifPresent(role -> facts.put("role", role.name()));
        token.onlyProject().ifPresent(project -> facts.put("project", project));
        token.scope().ifPresent(scope -> facts.put("scope", scope.name()));
        facts.put("expiresAt", token.expiresAt().toString());
        return facts;
    }

    public Project createProject(String name, String description, Principal creator) {
        Names.require("name", name);
        return transactions.write(() -> {
            if (store.findProject(name).isPresent()) {
                throw new TidemillException(ErrorCode.ALREADY_EXISTS, "There is a project '" + name + "' already");
            }
            Project project = insertProject(name, description, Actor.of(creator));
            if (store.findUser(creator.user()).isPresent()) {
                store.putMember(new Member(name, creator.user(), Role.ADMIN));
            }
            return project;
        });
    }

    private Project insertProject(String name, String description, String actor) {
        var project = new Project(name, description, clock.instant());
        store.insertProject(project);
        events.append(Event.of("project.created", name, "project/" + name, actor, Map.of()));
        return project;
    }

    /** The projects that the caller may see. */
    public List<Project> projects(Principal principal) {
        List<Project> own = principal.administrator() ? store.projects() : store.projectsOf(principal.user());
        return own.stream()
                .filter(project ->
                        principal.onlyProject().map(project.name()::equals).orElse(true))
                .toList();
    }

    public Project project(String name) {
        return store.findProject(name).orElseThrow(() -> TidemillException.notFound("project", name));
    }

    public List<Member> members(String project) {
        return store.members(project);
    }

    public Member putMember(String project, String user, Role role, String actor) {
        return transactions.write(() -> {
            if (store.findUser(user).isEmpty()) {
                throw TidemillException.notFound("user", user);
            }
            var member = new Member(project, user, role);
            store.putMember(member);
            rightsChange();
            events.append(Event.of(
                    "member.changed", project, "member/" + user, actor, Map.of("user", user, "role", role.name())));
            return member;
        });
    }

    public void removeMember(String project, String user, String actor) {
        transactions.write(() -> {
            if (!store.removeMember(project, user)) {
                throw TidemillException.notFound("member", user);
            }
            rightsChange();
            events.append(Event.of("member.removed", project, "member/" + user, actor, Map.of("user", user)));
        });
    }
}
