package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Keeps models. All methods join the caller's transaction. Versions that are deleted are not seen. */
public interface ModelStore {
    /** Inserts a model; false if there is one of that name. */
    boolean insertModel(String project, String name, String description, Instant now);

    Optional<RegisteredModel> findModel(String project, String name);

    /** Keeps a model from other units of work that hold, change or delete it, until this one ends; false if it is not there. */
    boolean hold(String project, String name);

    /** All models that are no prompts, by name. */
    List<RegisteredModel> models(String project);

    /** Changes name and description; false if the new name is taken. */
    boolean updateModel(String project, String name, String newName, String description, Instant now);

    /** Removes a model with its versions; gives the folders that these named. */
    Set<Digest> deleteModel(String project, String name);

    /** Models from an offset: at most so many, fewer where they hold much. */
    Portion<RegisteredModel> searchModels(
            String project, List<Comparison> filter, List<Ordering> order, ModelPage start, int limit);

    /** The highest number that any version, deleted or not, has had. */
    int newestVersion(String project, String model);

    void insert(ModelVersion version);

    /** Gives a version that has no folder the one that holds its files; false if it has one. */
    boolean fill(String project, String model, int version, Digest folder, Signature signature, ModelFiles files);

    Optional<ModelVersion> find(String project, String model, int version);

    Optional<ModelVersion> findMadeBy(String project, String model, String madeBy);

    /** Those among the makers that made a version of any project, deleted or not. */
    Set<String> makers(Collection<String> among);

    /**
     * The newest version of a model.
     *
     * @param callable of those alone that have files here and are not archived
     */
    Optional<ModelVersion> newest(String project, String model, boolean callable);

    /** The newest version of each stage, newest first. */
    List<ModelVersion> newestOfStages(String project, String model);

    /** The newest thousand, newest first. */
    List<ModelVersion> versions(String project, String model);

    /** The newest version of each model of the project. */
    List<ModelVersion> newest(String project);

    /** Of each model of the project the newest version that has files here and is not archived. */
    List<ModelVersion> newestCallable(String project);

    /** Versions from an offset: at most so many, fewer where they hold much. */
    Portion<ModelVersion> searchVersions(
            String project, List<Comparison> filter, List<Ordering> order, long offset, int limit);

    /** Changes what is said about a version. */
    void updateVersion(
            String project, String model, int version, String description, ModelVersion.Stage stage, Instant now);

    /** Archives the versions in a stage but this one. */
    void archiveOthers(String project, String model, int version, ModelVersion.Stage stage, Instant now);

    /** Folders that deleted versions still name, as those did that were deleted before {@link #deleteVersion} let go of them; some. */
    Set<Digest> foldersOfDeleted(int limit);

    /** Deleted versions no longer name these folders. */
    void forgetFolders(Set<Digest> folders);

    /** Marks a version as deleted; its number stays taken, its folder does not. */
    void deleteVersion(String project, String model, int version, Instant now);

    void setAlias(String project, String model, String alias, int version);

    boolean removeAlias(String project, String model, String alias);

    Map<String, Integer> aliases(String project, String model);

    /** Sets a tag of a version, or with version 0 of the model itself. */
    void putTag(String project, String model, int version, String name, String value);

    boolean removeTag(String project, String model, int version, String name);
}
