package dev.tidemill.platform.definitions;

import java.util.List;
import java.util.Optional;

/** Keeps the definitions of projects. */
public interface DefinitionStore {
    Optional<Definition> find(String project, String kind, String name);

    List<Definition> list(String project);

    void save(Definition definition);

    /** Removes a definition; one that is not there changes nothing. */
    void remove(String project, String kind, String name);
}
