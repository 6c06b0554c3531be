package dev.tidemill.inference.registry;

import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import java.util.List;
import java.util.Optional;

/** The registry of this process as a catalog. */
public final class RegisteredModels implements ModelCatalog {
    private final Models models;
    private final Aliases aliases;

    public RegisteredModels(Models models, Aliases aliases) {
        this.models = models;
        this.aliases = aliases;
    }

    @Override
    public Optional<ServedVersion> find(String project, String name, Optional<String> version) {
        return found(project, name, version).flatMap(RegisteredModels::served);
    }

    private Optional<ModelVersion> found(String project, String name, Optional<String> version) {
        if (version.isEmpty()) {
            return models.newestCallable(project, name);
        }
        String text = version.get();
        try {
            return Optional.of(
                    text.matches("[1-9]\\d{0,8}")
                            ? models.version(project, name, Integer.parseInt(text))
                            : aliases.version(project, name, text));
        } catch (TidemillException e) {
            if (e.code() == ErrorCode.NOT_FOUND || e.code() == ErrorCode.INVALID_ARGUMENT) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static Optional<ServedVersion> served(ModelVersion version) {
        return version.folder().map(folder -> ServedVersion.of(version));
    }

    @Override
    public List<ServedVersion> list(String project) {
        return models.newestCallable(project).stream()
                .map(RegisteredModels::served)
                .flatMap(Optional::stream)
                .toList();
    }
}
