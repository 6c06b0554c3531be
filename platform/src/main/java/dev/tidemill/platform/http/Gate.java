package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Authentication.Credentials;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The one place where a request is let in: host and origin, then who calls, then whether that caller may do what the
 * route declares. A project that the caller may not see answers as one that does not exist.
 */
final class Gate {
    static final String SESSION_COOKIE = "tidemill_session";
    private static final Set<HandlerType> SAFE = Set.of(HandlerType.GET, HandlerType.HEAD, HandlerType.OPTIONS);

    private final Authentication authentication;
    private final AllowedHosts hosts;

    Gate(Authentication authentication, AllowedHosts hosts) {
        this.authentication = authentication;
        this.hosts = hosts;
    }

    Caller admit(Route route, Context context) {
        checkHost(context);
        checkOrigin(context);
        return switch (route.access()) {
            case Access.Open() ->
                new Caller(new Principal("anonymous", false, "anonymous", Optional.empty(), Optional.empty()), "");
            case Access.SignedIn() -> new Caller(principal(context), "");
            case Access.Server(var resource, var action) -> {
                Principal principal = principal(context);
                if (!principal.administrator() || principal.onlyProject().isPresent()) {
                    throw denied(action + " " + resource + " takes an administrator of the server");
                }
                yield new Caller(principal, "");
            }
            case Access.Project(var resource, var action, var projectOf) -> {
                Principal principal = principal(context);
                String project = projectOf.apply(context);
                Role role = authentication
                        .role(principal, project)
                        .orElseThrow(() -> TidemillException.notFound("project", project));
                if (!role.permits(action)) {
                    throw denied("Role " + role.name().toLowerCase(Locale.ROOT) + " may not " + action + " " + resource
                            + " in project '" + project + "'");
                }
                yield new Caller(principal, project);
            }
        };
    }

    private Principal principal(Context context) {
        return authentication
                .authenticate(credentials(context))
                .orElseThrow(() -> new TidemillException(
                                ErrorCode.UNAUTHENTICATED, "The request carries no valid credentials")
                        .remedy("Send 'Authorization: Bearer <token>' or sign in"));
    }

    private static Credentials credentials(Context context) {
        String header = context.header("Authorization");
        if (header != null && header.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return new Credentials(Optional.of(header.substring(7).strip()), false);
        }
        if (header != null && header.regionMatches(true, 0, "Basic ", 0, 6)) {
            return new Credentials(basicPassword(header.substring(6)), false);
        }
        return new Credentials(Optional.ofNullable(context.cookie(SESSION_COOKIE)), true);
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

    private void checkHost(Context context) {
        String host = context.header("Host");
        if (host == null || !hosts.allows(host)) {
            throw new TidemillException(ErrorCode.FORBIDDEN_ORIGIN, "Host '" + host + "' is not served here")
                    .remedy("Add it to the setting 'http.allowed-hosts'");
        }
    }

    /** A page from elsewhere must not act with the credentials that a browser holds for us. */
    private void checkOrigin(Context context) {
        String origin = context.header("Origin");
        boolean crossSite = "cross-site".equals(context.header("Sec-Fetch-Site"));
        if (origin == null ? crossSite && !SAFE.contains(context.method()) : !hosts.allowsOrigin(origin)) {
            throw new TidemillException(ErrorCode.FORBIDDEN_ORIGIN, "Origin '" + origin + "' may not call this server");
        }
    }

    private static TidemillException denied(String why) {
        return new TidemillException(ErrorCode.PERMISSION_DENIED, why);
    }
}
