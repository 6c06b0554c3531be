package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.Folder;

/** Looks into a model's folder. Runs nothing of what is in it. Thread-safe. */
@FunctionalInterface
public interface ModelInspector {
    ModelFiles inspect(Folder folder);
}
