package dev.tidemill.platform.definitions;

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

    /** Makes it so, within the caller's transaction. */
    void apply(String project, String name, T definition, Applied applied);

    /**
     * What is known about a definition that is being applied.
     *
     * @param version 1 for a new definition, one more with each change
     * @param digest of the text and of all files that it refers to
     */
    record Applied(int version, String digest, String actor) {}
}
