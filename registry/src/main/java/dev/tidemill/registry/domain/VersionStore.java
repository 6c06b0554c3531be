package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Keeps versions of models. All methods join the caller's transaction. Versions that are deleted are not seen. */
public interface VersionStore {
    /** The highest number that any version, deleted or not, has had. */
    int newestNumber(String project, String model);

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

    /** The newest version of each of these models that has one, by the models' names: fewer where they hold much. */
    Portion<ModelVersion> newest(String project, Collection<String> models);

    /** Of each model of the project the newest version that has files here and is not archived. */
    List<ModelVersion> newestCallable(String project);

    /** Versions from an offset: at most so many, fewer where they hold much. */
    Portion<ModelVersion> search(String project, List<Comparison> filter, List<Ordering> order, long offset, int limit);

    /** Changes what is said about a version. */
    void update(String project, String model, int version, String description, ModelVersion.Stage stage, Instant now);

    /** Archives the versions in a stage but this one. */
    void archiveOthers(String project, String model, int version, ModelVersion.Stage stage, Instant now);

    /** Folders that deleted versions still name, as those did that were deleted before {@link #delete} let go of them; some. */
    Set<Digest> foldersOfDeleted(int limit);

    /** Deleted versions no longer name these folders. */
    void forgetFolders(Set<Digest> folders);

    /** Marks a version as deleted; its number stays taken, its folder does not. */
    void delete(String project, String model, int version, Instant now);
}
