package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.Folder;

/** Looks into a model's folder. Runs nothing of what is in it. Thread-safe. */
public interface ModelInspector {
    /** Looks at every file, pickles included; takes as long as reading them. */
    ModelFiles inspect(Folder folder);

    /** Reads what the folder says of itself, nothing else; a folder without a readable {@code MLmodel} says nothing. */
    ModelDescription describe(Folder folder);
}
