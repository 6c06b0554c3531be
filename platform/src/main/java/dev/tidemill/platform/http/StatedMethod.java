package dev.tidemill.platform.http;

import java.util.Set;
import org.eclipse.jetty.http.BadMessageException;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;

/**
 * Makes a request's method the one of its first line. The web framework takes another one from a header, and fails on methods that
 * it does not know; limits by route and what proxies allow go by the first line.
 */
final class StatedMethod implements HttpConfiguration.Customizer {
    private static final String OVERRIDE = "X-HTTP-Method-Override";

    private static final Set<String> METHODS =
            Set.of("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT");

    @Override
    public Request customize(Request request, HttpFields.Mutable answer) {
        if (!METHODS.contains(request.getMethod())) {
            throw new BadMessageException(HttpStatus.NOT_IMPLEMENTED_501, "Unknown method");
        }
        HttpFields headers = request.getHeaders();
        if (!headers.contains(OVERRIDE)) {
            return request;
        }
        HttpFields without = HttpFields.build(headers).remove(OVERRIDE).asImmutable();
        return new Request.Wrapper(request) {
            @Override
            public HttpFields getHeaders() {
                return without;
            }
        };
    }
}
