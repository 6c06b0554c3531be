package dev.tidemill.platform.config;

import java.nio.file.Path;
import java.util.Map;

/** Where a user's files are: what {@code HOME} says, as for every other program, and else what the system's user list says. */
public final class UserHome {
    private UserHome() {}

    public static Path path() {
        return of(System.getenv(), System.getProperty("user.home"));
    }

    static Path of(Map<String, String> environment, String listed) {
        String home = environment.getOrDefault("HOME", "");
        return Path.of(home.startsWith("/") ? home : listed);
    }
}
