package dev.tidemill.platform.auth;

import java.util.Optional;

/**
 * Who calls.
 *
 * @param id stable identifier, such as {@code user:ada} or {@code token:0193...}
 * @param administrator whether the caller administers the whole server
 * @param user name of the user behind it; the rights of a token never exceed its user's
 * @param roleCap the most that a token may do, whatever its user may
 * @param onlyProject the one project a token is for
 * @param scope the one purpose a token is for, beside which it may do nothing
 */
public record Principal(
        String id,
        boolean administrator,
        String user,
        Optional<Role> roleCap,
        Optional<String> onlyProject,
        Optional<Scope> scope) {
    /** How the identifier of a token begins. */
    public static final String TOKEN = "token:";

    /** Whether it is a token that may do less than its user. */
    public boolean isLimited() {
        return roleCap.isPresent() || onlyProject.isPresent() || scope.isPresent();
    }

    /** Whose share of the server's means counts: the user behind it, however many tokens they have. */
    public String share() {
        return id.startsWith(TOKEN) ? Actor.user(user) : id;
    }

    /** Somebody who is not bound to a purpose. */
    public Principal(
            String id, boolean administrator, String user, Optional<Role> roleCap, Optional<String> onlyProject) {
        this(id, administrator, user, roleCap, onlyProject, Optional.empty());
    }

    /** The person at the keyboard of a server that listens on loopback and has no users yet. */
    public static Principal localAdministrator() {
        return new Principal("local", true, "local", Optional.empty(), Optional.empty());
    }
}
