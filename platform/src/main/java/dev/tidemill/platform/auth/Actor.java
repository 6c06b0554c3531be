package dev.tidemill.platform.auth;

import java.util.Optional;

/**
 * Who did something, as it is written down: {@code user:ada} for a user who has signed in, {@code user:ada/token:0193...} for a
 * program of theirs, and a word such as {@code system} or {@code local} for nobody in particular. The user is part of the text, so that it
 * is still known once the token and the user are gone.
 */
public final class Actor {
    /** Somebody who showed no valid credentials. */
    public static final String UNKNOWN = "unknown";

    private static final String USER = "user:";

    private Actor() {}

    /** How the caller is written down. */
    public static String of(Principal principal) {
        return principal.id().startsWith("token:") ? user(principal.user()) + "/" + principal.id() : principal.id();
    }

    /** A user who has signed in; what a program of theirs did begins with this and a slash. */
    public static String user(String name) {
        return USER + name;
    }

    /** Name of the user who is, or stands behind, an actor; empty where it is none, or where a token was noted without its user. */
    public static Optional<String> userOf(String actor) {
        if (!actor.startsWith(USER)) {
            return Optional.empty();
        }
        int end = actor.indexOf('/');
        return Optional.of(actor.substring(USER.length(), end < 0 ? actor.length() : end));
    }
}
