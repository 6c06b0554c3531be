package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.Digest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An immutable version of a registered model.
 *
 * @param folder digest of its MLflow model folder
 * @param metrics as measured on held-out data
 * @param run the tracked run that made it
 * @param dataVersions data set versions it was trained on
 * @param dataDigest digest of the rows it was trained on
 * @param codeVersion version of the code that trained it
 * @param dataUntil event time up to which it has seen data
 * @param madeBy the pipeline step that registered it
 */
public record ModelVersion(
        String project,
        String model,
        int version,
        Stage stage,
        Digest folder,
        Signature signature,
        Map<String, Double> metrics,
        Map<String, String> params,
        Optional<String> run,
        List<String> dataVersions,
        String dataDigest,
        String codeVersion,
        Optional<Instant> dataUntil,
        String madeBy,
        Instant createdAt) {
    /** Whether it is of use. */
    public enum Stage {
        ACTIVE,
        ARCHIVED
    }

    /** How other things refer to it, such as {@code bike-demand/3}. */
    public String reference() {
        return model + "/" + version;
    }
}
