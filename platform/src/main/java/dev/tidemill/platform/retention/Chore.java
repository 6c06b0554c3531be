package dev.tidemill.platform.retention;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * Something to be done regularly, so that nothing grows for ever.
 *
 * @param name for a log, as "Old windows"
 * @param work what there is to tell of it, if anything
 */
public record Chore(String name, Supplier<Optional<String>> work) {
    /** One that has nothing to tell. */
    public static Chore silent(String name, Runnable work) {
        return new Chore(name, () -> {
            work.run();
            return Optional.empty();
        });
    }

    /** One that tells only {@code when} there was something to do. */
    public static Optional<String> told(boolean when, String text) {
        return when ? Optional.of(text) : Optional.empty();
    }
}
