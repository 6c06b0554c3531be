package dev.tidemill.registry.domain;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
 * @param code what beside pickles is code that Python would import, run or install; empty if the folder holds data alone, and in what
 *     was written down before this was looked for
 * @param withoutPython whether this server opens the model without Python, and so runs no code of the folder
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
        List<String> code,
        boolean withoutPython,
        List<String> remarks) {
    /** What a folder of our own trainers has, which is read as the trees and their columns, whatever else is in the folder. */
    public static final String ENCODING = "tidemill/encoding.json";

    public ModelFiles {
        // Not told by a look that an earlier release has taken.
        code = Objects.requireNonNullElse(code, List.of());
    }

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

    /**
     * Why Python must not open the model until somebody who may has said that they trust it, a sentence each; empty if opening it
     * runs nothing but what the allow-list holds.
     */
    public List<String> held() {
        return Stream.concat(
                        pickles.stream()
                                .filter(pickle -> pickle.verdict() != Verdict.ALLOWED)
                                .map(pickle -> "the pickle " + pickle.path()
                                        + " refers to what is not on the allow-list ("
                                        + pickle.refused().stream().limit(5).collect(Collectors.joining(", ")) + ")"),
                        code.stream())
                .toList();
    }

    /** Why the version is not served here until somebody has said that they trust it; empty if nothing is to be trusted. */
    public List<String> awaitingTrust() {
        return withoutPython ? List.of() : held();
    }
}
