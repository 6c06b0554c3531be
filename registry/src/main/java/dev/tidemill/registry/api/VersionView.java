package dev.tidemill.registry.api;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Signature;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A version as our own routes write it; the fields are those of {@link ModelVersion} and its parts.
 *
 * @param held what has to be trusted before Python may open it
 * @param trusted whether it is
 * @param trustedWithNetwork whether its code may use the network too
 */
record VersionView(
        String project,
        String model,
        int version,
        ModelVersion.Stage stage,
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
        Optional<ModelFiles> files,
        List<String> held,
        boolean trusted,
        boolean trustedWithNetwork) {
    static VersionView of(ModelVersion version) {
        ModelVersion.Origin origin = version.origin();
        ModelVersion.Training training = version.training();
        return new VersionView(
                version.project(),
                version.model(),
                version.version(),
                version.stage(),
                version.description(),
                origin.source(),
                origin.location(),
                origin.runLink(),
                origin.loggedModel(),
                version.folder(),
                version.contents().signature(),
                training.metrics(),
                training.params(),
                training.run(),
                training.dataVersions(),
                training.dataDigest(),
                training.codeVersion(),
                training.dataUntil(),
                origin.madeBy(),
                origin.madeByUser(),
                version.createdAt(),
                version.updatedAt(),
                version.tags(),
                version.contents().files(),
                version.contents().files().map(ModelFiles::awaitingTrust).orElse(List.of()),
                version.trusted(),
                version.trustedWithNetwork());
    }
}
