package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Authentication.Credentials;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.util.Optional;
import java.util.Set;
import org.eclipse.jetty.http.HttpCookie;
import org.eclipse.jetty.server.Request;

/**
 * The one place where an HTTP request is let in: host and origin, then whether its caller may do what the route declares.
 */
final class Gate {
    static final String SESSION_COOKIE = "tidemill_session";
    private static final Set<HandlerType> SAFE = Set.of(HandlerType.GET, HandlerType.HEAD, HandlerType.OPTIONS);

    private final Admission admission;
    private final AllowedHosts hosts;

    Gate(Admission admission, AllowedHosts hosts) {
        this.admission = admission;
        this.hosts = hosts;
    }

    Caller admit(Route route, Context context) {
        checkHost(context);
        checkOrigin(context);
        return admission.admit(
                route.access(),
                credentials(context),
                principal -> route.project().of(context, principal));
    }

    /** Who sends a request that is refused. */
    String actor(Context context) {
        return admission.actor(credentials(context));
    }

    /** Whether somebody who is known sends it; asked before much of a body is taken in. */
    boolean isKnown(Request request) {
        Credentials credentials = Optional.ofNullable(request.getHeaders().get("Authorization"))
                .flatMap(Admission::credentials)
                .orElseGet(() -> new Credentials(
                        Request.getCookies(request).stream()
                                .filter(cookie -> cookie.getName().equals(SESSION_COOKIE))
                                .map(HttpCookie::getValue)
                                .findFirst(),
                        true));
        return admission.isKnown(credentials);
    }

    private static Credentials credentials(Context context) {
        return Optional.ofNullable(context.header("Authorization"))
                .flatMap(Admission::credentials)
                .orElseGet(() -> new Credentials(Optional.ofNullable(context.cookie(SESSION_COOKIE)), true));
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
        if (origin == null
                ? crossSite && !SAFE.contains(context.method())
                : !hosts.allowsOrigin(origin, String.valueOf(context.header("Host")), context.scheme())) {
            throw new TidemillException(ErrorCode.FORBIDDEN_ORIGIN, "Origin '" + origin + "' may not call this server")
                    .remedy("Open this server's own pages, or add it to the setting 'http.allowed-origins'");
        }
    }
}
