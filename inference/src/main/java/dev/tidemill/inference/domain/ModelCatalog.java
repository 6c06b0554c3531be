package dev.tidemill.inference.domain;

import java.util.List;
import java.util.Optional;

/** Registered models, which may be called without having been deployed. Thread-safe. */
public interface ModelCatalog {
    /**
     * A version whose files are kept here.
     *
     * @param version its number or an alias; none is the newest that is not archived
     */
    Optional<ServedVersion> find(String project, String name, Optional<String> version);

    /** Of every model of a project the newest version that is not archived. */
    List<ServedVersion> list(String project);

    /** No models at all. */
    ModelCatalog EMPTY = new ModelCatalog() {
        @Override
        public Optional<ServedVersion> find(String project, String name, Optional<String> version) {
            return Optional.empty();
        }

        @Override
        public List<ServedVersion> list(String project) {
            return List.of();
        }
    };
}
