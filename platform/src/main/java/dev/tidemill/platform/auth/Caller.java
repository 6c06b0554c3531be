package dev.tidemill.platform.auth;

/**
 * The authenticated, authorised sender of a request, and the project the request is about.
 *
 * @param project name of the project; empty for requests about the server itself
 */
public record Caller(Principal principal, String project) {
    /** How the caller is written down with what it does; see {@link Actor}. */
    public String actor() {
        return Actor.of(principal);
    }

    /** Whose share of the server's means the request counts to; see {@link Principal#share}. */
    public String share() {
        return principal.share();
    }
}
