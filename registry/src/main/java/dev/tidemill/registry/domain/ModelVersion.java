package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A version of a registered model. Its contents never change; what is said about it does.
 *
 * @param id which one it is
 * @param tags what is said about it, its trust included
 */
public record ModelVersion(
        VersionId id,
        Stage stage,
        String description,
        Origin origin,
        Contents contents,
        Training training,
        Map<String, String> tags,
        Instant createdAt,
        Instant updatedAt) {
    public ModelVersion {
        tags = Map.copyOf(tags);
    }

    /**
     * Where it has come from.
     *
     * @param source URI that it was made from, as the client gave it
     * @param location where its files are, if its source is another version's name; empty if they are at the source
     * @param runLink address of the run that made it, as the client gave it; empty if it gave none
     * @param loggedModel id of the logged model that it is
     * @param madeBy the pipeline step, or the request, that registered it
     * @param madeByUser who is answerable for it
     */
    public record Origin(
            String source,
            String location,
            String runLink,
            Optional<String> loggedModel,
            String madeBy,
            String madeByUser) {
        /** Of a folder that has been stored here by its digest. */
        public static Origin ofFolder(Digest folder, String madeBy, String madeByUser) {
            return new Origin(
                    ArtifactLocations.OWN + ArtifactTree.FOLDERS + "/" + folder,
                    "",
                    "",
                    Optional.empty(),
                    madeBy,
                    madeByUser);
        }
    }

    /**
     * What it consists of.
     *
     * @param folder digest of its MLflow model folder; empty if its files are not kept here
     * @param files what a look into the folder has found; empty if there is no folder
     */
    public record Contents(Optional<Digest> folder, Signature signature, Optional<ModelFiles> files) {
        /** Of one whose files are not kept here. */
        public static final Contents ELSEWHERE =
                new Contents(Optional.empty(), new Signature(List.of(), List.of()), Optional.empty());
    }

    /**
     * How it was trained, as far as that is known.
     *
     * @param run the tracked run that made it
     * @param metrics as measured on held-out data
     * @param params it was trained with
     * @param dataVersions data set versions it was trained on
     * @param dataDigest digest of the rows it was trained on; empty if unknown
     * @param codeVersion version of the code that trained it; empty if unknown
     * @param dataUntil event time of the newest row that it was trained on; empty if unknown
     */
    public record Training(
            Optional<String> run,
            Map<String, Double> metrics,
            Map<String, String> params,
            List<String> dataVersions,
            String dataDigest,
            String codeVersion,
            Optional<Instant> dataUntil) {
        /** Of one of which nothing is known but, perhaps, its run. */
        public static Training unknown(Optional<String> run) {
            return new Training(run, Map.of(), Map.of(), List.of(), "", "", Optional.empty());
        }
    }

    /** How far it has come, in MLflow's words. */
    public enum Stage {
        NONE("None"),
        STAGING("Staging"),
        PRODUCTION("Production"),
        ARCHIVED("Archived");

        private final String label;

        Stage(String label) {
            this.label = label;
        }

        /** As MLflow writes it. */
        public String label() {
            return label;
        }

        /** The stage of that label, whatever its case. */
        public static Optional<Stage> ofLabel(String label) {
            for (Stage stage : values()) {
                if (stage.label.equalsIgnoreCase(label)) {
                    return Optional.of(stage);
                }
            }
            return Optional.empty();
        }
    }

    /** What trust is written down under; set and removed by {@link Trust#give} and {@link Trust#withdraw} alone. */
    static final String TRUST_TAGS = "tidemill.trusted";

    /** Tag of a version whose code may run: the folder's digest and who said so. */
    static final String TRUSTED_TAG = TRUST_TAGS + "-code";
    /** The same of a version whose code may use the network too. */
    static final String TRUSTED_NETWORK_TAG = TRUST_TAGS + "-network";
    /** As releases before have written it; its value is who. */
    static final String TRUSTED_BEFORE_TAG = TRUST_TAGS + "-pickles";

    /** Whether somebody who may has said that the code in its folder may run. Of another folder that says nothing. */
    public boolean trusted() {
        return tags.containsKey(TRUSTED_BEFORE_TAG) || trustedAs(TRUSTED_TAG);
    }

    /** Whether its code may use the network. */
    public boolean trustedWithNetwork() {
        return trustedAs(TRUSTED_NETWORK_TAG);
    }

    private boolean trustedAs(String tag) {
        return folder().isPresent()
                && tags.getOrDefault(tag, "").startsWith(folder().get().value() + " ");
    }

    /** As {@link VersionId#reference}. */
    public String reference() {
        return id.reference();
    }

    public String project() {
        return id.project();
    }

    public String model() {
        return id.model();
    }

    public int version() {
        return id.version();
    }

    /** As {@link Contents#folder}. */
    public Optional<Digest> folder() {
        return contents.folder();
    }

    /** This version with other tags. */
    public ModelVersion withTags(Map<String, String> others) {
        return new ModelVersion(id, stage, description, origin, contents, training, others, createdAt, updatedAt);
    }

    /**
     * The folder with its files.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if they are not kept here
     */
    public Digest requireFolder() {
        return folder().orElseThrow(() -> new TidemillException(
                        ErrorCode.FAILED_PRECONDITION,
                        "The files of " + reference() + " are not kept by this server: they are at " + origin.source())
                .remedy("Register a version from a run or model whose artifacts are at mlflow-artifacts:/"));
    }
}
