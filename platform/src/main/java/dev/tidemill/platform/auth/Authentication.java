package dev.tidemill.platform.auth;

import java.util.Optional;

/** Tells who calls and what they may do. Asked once for every request. Implementations are thread-safe. */
public interface Authentication {
    /**
     * Finds the caller.
     *
     * @param credentials what the request carries
     * @return the caller; empty if the request carries nothing that is valid now
     */
    Optional<Principal> authenticate(Credentials credentials);

    /** The caller's role in a project; empty if the project does not exist or the caller is no member of it. */
    Optional<Role> role(Principal principal, String project);

    /**
     * What a request carries to prove who sent it.
     *
     * @param secret bearer token, basic password or session cookie
     * @param session whether the secret came as a cookie
     */
    record Credentials(Optional<String> secret, boolean session) {
        @Override
        public String toString() {
            return "Credentials[" + (secret.isPresent() ? "present" : "absent") + "]";
        }
    }
}
