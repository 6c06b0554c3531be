package dev.tidemill.platform.definitions;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * One {@code kind} of definition in a project, brought by the domain that it belongs to.
 *
 * @param <T> what a document of this kind parses into; its {@code equals} and digest see the whole meaning
 */
public interface DefinitionKind<T> {
    /** The value of {@code kind}, such as {@code Pipeline}. */
    String kind();

    /**
     * Kinds are applied in rising rank: what others refer to comes first.
     */
    int rank();

    /**
     * Parses a document whose {@code kind} and {@code name} have been read.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code INVALID_DEFINITION} with line and column
     */
    T parse(String name, YamlObject document, ProjectFiles files);

    /**
     * Tries what takes longer than a transaction may, before one is begun.
     *
     * @param others what is applied together with it, by kind and name, as {@code DataSet/trips}
     * @throws dev.tidemill.platform.errors.TidemillException {@code INVALID_DEFINITION}
     */
    default void check(String project, String name, T definition, Map<String, Object> others) {}

    /**
     * What the definitions of this kind among those that have been applied name by a name that nothing bears yet: it is no fault, since
     * a pipeline or another folder may bring it later, but it may be a slip. Asked once for all of them, after the transaction.
     *
     * @param applied what was applied together, by kind and name, as {@code DataSet/trips}; of a dry run nothing of it is there
     * @param defined names of definitions of a kind that there are in the project, with what was applied
     * @return a sentence each, by the name of the definition
     */
    default Map<String, List<String>> unresolved(
            String project, Map<String, Object> applied, Function<String, Collection<String>> defined) {
        return Map.of();
    }

    /**
     * Does what asks anything but the database, before a transaction is begun, and gives what makes it so within one.
     *
     * @param earlier what is new or changed and applied before it in that transaction, by kind and name
     */
    Prepared prepare(String project, String name, T definition, Map<String, Object> earlier);

    /** Makes a definition so, within the caller's transaction, which may run it more than once. */
    @FunctionalInterface
    interface Prepared {
        void apply(Applied applied);
    }

    /**
     * What is known about a definition that is being applied.
     *
     * @param version 1 for a new definition, one more with each change
     * @param digest of the text and of all files that it refers to
     */
    record Applied(int version, String digest, String actor) {}
}
