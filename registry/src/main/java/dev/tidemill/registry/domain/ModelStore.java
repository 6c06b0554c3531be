package dev.tidemill.registry.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Keeps models. All methods join the caller's transaction. */
public interface ModelStore {
    /** A registered model with its number of versions. */
    record Model(String project, String name, Instant createdAt, int versions, Map<String, Integer> aliases) {}

    void ensureModel(String project, String name, Instant now);

    List<Model> models(String project);

    int newestVersion(String project, String model);

    void insert(ModelVersion version);

    Optional<ModelVersion> find(String project, String model, int version);

    Optional<ModelVersion> findMadeBy(String project, String model, String madeBy);

    List<ModelVersion> versions(String project, String model);

    void setStage(String project, String model, int version, ModelVersion.Stage stage);

    void setAlias(String project, String model, String alias, int version);

    void removeAlias(String project, String model, String alias);

    Map<String, Integer> aliases(String project, String model);
}
