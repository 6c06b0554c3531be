package dev.tidemill.registry.domain;

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
 * @param source URI that it was made from, as the client gave it
 * @param location where its files are, if its source is another version's name; empty if they are at the source
 * @param loggedModel id of the logged model that it is
 * @param folder digest of its MLflow model folder; empty if its files are not kept here
 * @param metrics as measured on held-out data
 * @param run the tracked run that made it
 * @param dataVersions data set versions it was trained on
 * @param dataDigest digest of the rows it was trained on; empty if unknown
 * @param codeVersion version of the code that trained it; empty if unknown
 * @param dataUntil event time of the newest row that it was trained on; empty if unknown
 * @param files what a look into the folder has found; empty if there is no folder
 * @param madeBy the pipeline step, or the request, that registered it
 */
public record ModelVersion(
        String project,
        String model,
        int version,
        Stage stage,
        String description,
        String source,
        String location,
        String runLink,
        Optional<String> loggedModel,
        Optional<Digest> folder,
        Signature signature,
        Map<String, Double> metrics,
        Map<String, String> params,
        Optional<String> run,
        List<String> dataVersions,
        String dataDigest,
        String codeVersion,
        Optional<Instant> dataUntil,
        String madeBy,
        String madeByUser,
        Instant createdAt,
        Instant updatedAt,
        Map<String, String> tags,
        Optional<ModelFiles> files) {
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
        return folder.isPresent()
                && tags.getOrDefault(tag, "").startsWith(folder.get().value() + " ");
    }

    /** How other things refer to it, such as {@code bike-demand/3}. */
    public String reference() {
        return model + "/" + version;
    }

    /**
     * The folder with its files.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if they are not kept here
     */
    public Digest requireFolder() {
        return folder.orElseThrow(() -> new TidemillException(
                        ErrorCode.FAILED_PRECONDITION,
                        "The files of " + reference() + " are not kept by this server: they are at " + source)
                .remedy("Register a version from a run or model whose artifacts are at mlflow-artifacts:/"));
    }
}
