package dev.tidemill.platform.errors;

import java.util.List;

/** Tells a disk, or a user's share of one, that has no room left from one that fails otherwise. */
public final class FullDisk {
    /** What the system says; Java has no exception of its own for it. */
    private static final List<String> WORDS = List.of("No space left", "Disk quota exceeded");

    private FullDisk() {}

    /** Whether this is why something could not be written. */
    public static boolean is(Throwable failure) {
        String text = String.valueOf(failure.getMessage());
        return WORDS.stream().anyMatch(text::contains);
    }
}
