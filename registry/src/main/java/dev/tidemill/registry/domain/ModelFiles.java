package dev.tidemill.registry.domain;

import java.util.List;
import java.util.Optional;

/**
 * What a look into a version's folder has found. It is looked at once, when the version is registered; its files never change.
 *
 * @param flavors by which the model can be loaded, such as {@code sklearn} and {@code python_function}
 * @param signature what the model takes and gives; empty if its client told none
 * @param inputExample path of an example in the folder
 * @param requirements libraries that it needs, as pip reads them
 * @param count of files
 * @param bytes of all files together
 * @param pickles every file that runs code where it is opened, with what was found in it
 * @param remarks what a user of the version should know; empty if everything is as it should be
 */
public record ModelFiles(
        List<String> flavors,
        Optional<Signature> signature,
        Optional<String> inputExample,
        List<String> requirements,
        int count,
        long bytes,
        List<Pickle> pickles,
        List<String> remarks) {
    /**
     * A pickle in the folder.
     *
     * @param verdict whether it refers to nothing but what the allow-list holds
     * @param refused what it refers to beside that; why it cannot be read, where it cannot
     */
    public record Pickle(String path, Verdict verdict, List<String> refused) {}

    /** What a scan of a pickle says. Nothing that could not be read through is ever called allowed. */
    public enum Verdict {
        ALLOWED,
        REFUSED,
        UNREADABLE
    }

    /** Whether opening the model runs only code that the allow-list holds. */
    public boolean safe() {
        return pickles.stream().allMatch(pickle -> pickle.verdict() == Verdict.ALLOWED);
    }
}
