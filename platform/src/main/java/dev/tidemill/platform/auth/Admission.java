package dev.tidemill.platform.auth;

import dev.tidemill.platform.auth.Authentication.Credentials;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * The one decision whether a caller may do what a route declares, whatever the protocol. A project that the caller may not
 * see answers as one that does not exist. Thread-safe.
 */
public final class Admission {
    private static final Caller ANYBODY =
            new Caller(new Principal("anonymous", false, "anonymous", Optional.empty(), Optional.empty()), "");

    private final Authentication authentication;

    public Admission(Authentication authentication) {
        this.authentication = authentication;
    }

    /**
     * Lets a request in.
     *
     * @param project finds the project that the request is about; asked only where the access is a project's
     * @throws TidemillException {@code UNAUTHENTICATED}, {@code PERMISSION_DENIED} or {@code NOT_FOUND}
     */
    public Caller admit(Access access, Credentials credentials, Function<Principal, String> project) {
        return switch (access) {
            case Access.Open() -> ANYBODY;
            case Access.SignedIn() -> new Caller(principal(credentials), "");
            case Access.Server(var resource, var action) -> {
                Principal principal = principal(credentials);
                if (!principal.administrator() || principal.onlyProject().isPresent()) {
                    throw denied(action + " " + resource + " takes an administrator of the server");
                }
                yield new Caller(principal, "");
            }
            case Access.Purpose(var scope) -> {
                Principal principal = authenticated(credentials);
                boolean administers = principal.administrator()
                        && principal.onlyProject().isEmpty()
                        && principal.scope().isEmpty();
                if (!administers && !principal.scope().equals(Optional.of(scope))) {
                    throw denied("This takes an administrator of the server, or a token of scope "
                            + scope.name().toLowerCase(Locale.ROOT));
                }
                yield new Caller(principal, "");
            }
            case Access.Project(var resource, var action) -> {
                Principal principal = principal(credentials);
                String name = project.apply(principal);
                Role role = authentication
                        .role(principal, name)
                        .orElseThrow(() -> TidemillException.notFound("project", name));
                if (!role.permits(action)) {
                    throw denied("Role " + role.name().toLowerCase(Locale.ROOT) + " may not " + action + " " + resource
                            + " in project '" + name + "'");
                }
                yield new Caller(principal, name);
            }
        };
    }

    /** Whether the credentials are anybody's. */
    public boolean isKnown(Credentials credentials) {
        return authentication.authenticate(credentials).isPresent();
    }

    /** Whose share of the server's means a request counts to; empty where the credentials are nobody's. */
    public Optional<String> share(Credentials credentials) {
        return authentication.authenticate(credentials).map(Principal::share);
    }

    /** Who it was that is refused, as {@link Actor} has it; {@link Actor#UNKNOWN} where the credentials are nobody's. */
    public String actor(Credentials credentials) {
        return authentication.authenticate(credentials).map(Actor::of).orElse(Actor.UNKNOWN);
    }

    private Principal principal(Credentials credentials) {
        Principal principal = authenticated(credentials);
        principal.scope().ifPresent(scope -> {
            throw denied(
                    "This token is for " + scope.name().toLowerCase(Locale.ROOT) + " alone; it may do nothing else");
        });
        return principal;
    }

    private Principal authenticated(Credentials credentials) {
        return authentication.authenticate(credentials).orElseThrow(Admission::unauthenticated);
    }

    /** What is answered to somebody who is not known. */
    public static TidemillException unauthenticated() {
        return new TidemillException(ErrorCode.UNAUTHENTICATED, "The request carries no valid credentials")
                .remedy("Send 'Authorization: Bearer <token>' or sign in");
    }

    /** Reads an {@code Authorization} header; empty if it carries neither a bearer token nor basic credentials. */
    public static Optional<Credentials> credentials(String header) {
        if (header.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return Optional.of(new Credentials(Optional.of(header.substring(7).strip()), false));
        }
        if (header.regionMatches(true, 0, "Basic ", 0, 6)) {
            return Optional.of(new Credentials(basicPassword(header.substring(6)), false));
        }
        return Optional.empty();
    }

    /** A token may travel as the password of basic authentication, whatever the user name. */
    private static Optional<String> basicPassword(String encoded) {
        try {
            String pair = new String(Base64.getDecoder().decode(encoded.strip()), StandardCharsets.UTF_8);
            int colon = pair.indexOf(':');
            return colon < 0 ? Optional.empty() : Optional.of(pair.substring(colon + 1));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static TidemillException denied(String why) {
        return new TidemillException(ErrorCode.PERMISSION_DENIED, why);
    }
}
