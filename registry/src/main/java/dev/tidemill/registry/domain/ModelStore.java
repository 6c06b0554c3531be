package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Keeps models, with the aliases and tags of theirs and their versions'. All methods join the caller's transaction. */
public interface ModelStore {
    /** Inserts a model; false if there is one of that name. */
    boolean insertModel(String project, String name, String description, Instant now);

    Optional<RegisteredModel> findModel(String project, String name);

    /** Keeps a model from other units of work that hold, change or delete it, until this one ends; false if it is not there. */
    boolean hold(String project, String name);

    /** Those of the names that models bear which are no prompts. */
    Set<String> borne(String project, Set<String> names);

    /** Names of models that are no prompts, in their order; at most so many. */
    List<String> names(String project, int limit);

    /** Changes name and description; false if the new name is taken. */
    boolean updateModel(String project, String name, String newName, String description, Instant now);

    /** Removes a model with its versions; gives the folders that these named. */
    Set<Digest> deleteModel(String project, String name);

    /** Models from an offset: at most so many, fewer where they hold much. */
    Portion<RegisteredModel> searchModels(
            String project, List<Comparison> filter, List<Ordering> order, ModelPage start, int limit);

    void setAlias(String project, String model, String alias, int version);

    boolean removeAlias(String project, String model, String alias);

    Map<String, Integer> aliases(String project, String model);

    /** Sets a tag of a version, or with version 0 of the model itself. */
    void putTag(String project, String model, int version, String name, String value);

    boolean removeTag(String project, String model, int version, String name);
}
