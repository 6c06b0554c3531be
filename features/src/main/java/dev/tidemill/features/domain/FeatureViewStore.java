package dev.tidemill.features.domain;

import java.util.List;
import java.util.Optional;

/** Keeps feature views. */
public interface FeatureViewStore {
    /** A feature view by name. */
    record Named(String name, FeatureView definition) {}

    void save(String project, String name, FeatureView view);

    Optional<FeatureView> find(String project, String name);

    List<Named> list(String project);
}
