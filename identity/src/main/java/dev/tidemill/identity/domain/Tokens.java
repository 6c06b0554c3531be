package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.auth.Scope;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tokens: secrets that stand for a user in programs, never with more rights than the user. Made in a session alone, shown once, kept
 * as hashes. A token that is limited to a role, a project or a purpose sees and ends itself alone. Thread-safe.
 */
public final class Tokens {
    private static final Duration LONGEST_TOKEN = Duration.ofDays(366);
    private static final String TOKEN_PREFIX = "tdm_";

    private final IdentityStore store;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private final Rights rights;

    public Tokens(IdentityStore store, Transactions transactions, EventLog events, Clock clock, Rights rights) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
        this.rights = rights;
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
    public NewToken create(
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
            if (rights.role(owner, project).isEmpty()) {
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

    /** All tokens of a user, for an administrator; {@link #visibleTo} tells those that a caller may see. */
    public List<Token> of(User user) {
        return store.tokensOf(user.name());
    }

    /** Tokens that the caller may see: all of its user, for a limited token itself alone. */
    public List<Token> visibleTo(Principal owner) {
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
    public void revoke(Principal owner, String id) {
        transactions.write(() -> {
            if (!maySee(owner, id) || !store.deleteToken(owner.user(), id)) {
                throw TidemillException.notFound("token", id);
            }
            events.append(Event.of("token.deleted", "", "token/" + id, Actor.of(owner), Map.of("user", owner.user())));
            rights.change();
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
}
