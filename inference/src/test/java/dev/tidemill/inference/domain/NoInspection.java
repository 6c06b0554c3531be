package dev.tidemill.inference.domain;

import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.registry.domain.ModelDescription;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelInspector;
import java.util.Map;
import java.util.Optional;

/** Knows nothing of any model's folder. */
final class NoInspection implements ModelInspector {
    @Override
    public ModelFiles inspect(Folder folder) {
        throw new AssertionError("nothing asks for it");
    }

    @Override
    public ModelDescription describe(Folder folder) {
        return new ModelDescription(Map.of(), Optional.empty());
    }
}
