package dev.tidemill.inference.domain;

import java.util.List;
import java.util.Optional;

/** Rows that whoever made a model put beside it, which it must be able to answer. Thread-safe. */
@FunctionalInterface
public interface GoldenRows {
    /** The rows as a request would bring them; empty if the folder has none that can be read. */
    Optional<List<Tensor>> of(ModelFolder folder);
}
