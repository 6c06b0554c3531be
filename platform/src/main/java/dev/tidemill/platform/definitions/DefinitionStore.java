package dev.tidemill.platform.definitions;

import java.util.List;
import java.util.Optional;

/** Keeps the definitions of projects. */
public interface DefinitionStore {
    Optional<Definition> find(String project, String kind, String name);

    List<Definition> list(String project);

    /** Names of the definitions of a kind, in their order. */
    List<String> names(String project, String kind);

    void save(Definition definition);

    /** Removes a definition; one that is not there changes nothing. */
    void remove(String project, String kind, String name);
}
