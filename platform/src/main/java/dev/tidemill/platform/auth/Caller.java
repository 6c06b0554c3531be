package dev.tidemill.platform.auth;

/**
 * The authenticated, authorised sender of a request, and the project the request is about.
 *
 * @param project name of the project; empty for requests about the server itself
 */
public record Caller(Principal principal, String project) {
    public String actor() {
        return principal.id();
    }
}
