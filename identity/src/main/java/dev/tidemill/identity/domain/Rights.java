package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Whose secret a request carries, and what that caller may do in a project: never more than the user behind it, for a token no
 * more than the token was given.
 *
 * <p>A server that listens on loopback and has no users belongs to whoever sits at it; the first user ends this. Reads the
 * database each time; {@link RememberedCallers} spares that. Thread-safe.
 */
public final class Rights implements Authentication {
    private static final Duration TOUCH = Duration.ofMinutes(1);

    private final IdentityStore store;
    private final Transactions transactions;
    private final Clock clock;
    private final boolean loopback;
    private final Map<String, Instant> touched = new ConcurrentHashMap<>();
    private final AtomicLong changes = new AtomicLong();
    private volatile boolean hasUsers;

    /** @param loopback whether the server listens on loopback alone */
    public Rights(IdentityStore store, Transactions transactions, Clock clock, boolean loopback) {
        this.store = store;
        this.transactions = transactions;
        this.clock = clock;
        this.loopback = loopback;
    }

    /** Grows whenever somebody's rights may have become less. */
    public long changes() {
        return changes.get();
    }

    /** Lets {@link #changes} grow once the caller's unit of work is durable; at once where there is none. */
    void change() {
        transactions.afterCommit(changes::incrementAndGet);
    }

    @Override
    public Optional<Principal> authenticate(Credentials credentials) {
        if (credentials.secret().isEmpty()) {
            return isOpen() ? Optional.of(Principal.localAdministrator()) : Optional.empty();
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

    /** Whether the server belongs to whoever sits at it: it listens on loopback and has no users. */
    boolean isOpen() {
        return loopback && !hasUsers();
    }

    private Optional<Principal> principal(Token token) {
        touch(token);
        return store.findUser(token.user()).map(user -> {
            boolean full = token.roleCap().map(cap -> cap == Role.ADMIN).orElse(true)
                    && token.onlyProject().isEmpty()
                    && token.scope().isEmpty();
            return new Principal(
                    Principal.TOKEN + token.id(),
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

    /** Whether the user behind a caller administers the server, and so every project, however little the caller's token may do there. */
    boolean mayEnterAll(Principal principal) {
        return store.findUser(principal.user()).map(User::administrator).orElse(principal.administrator());
    }

    @Override
    public Optional<Role> role(Principal principal, String project) {
        if (store.findProject(project).isEmpty()
                || principal.onlyProject().filter(only -> !only.equals(project)).isPresent()) {
            return Optional.empty();
        }
        Optional<Role> own = mayEnterAll(principal) ? Optional.of(Role.ADMIN) : store.roleOf(project, principal.user());
        return own.map(role -> principal.roleCap().map(role::atMost).orElse(role));
    }
}
