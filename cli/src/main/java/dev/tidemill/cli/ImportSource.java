package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Something that holds experiments, runs and models as MLflow knows them. Everything is told in MLflow's own messages, whatever
 * it is kept as; times are milliseconds since the epoch. Not thread-safe.
 */
interface ImportSource extends AutoCloseable {
    /** Every experiment, deleted ones too. */
    List<JsonNode> experiments() throws IOException;

    /** Every run of an experiment, deleted ones too, without the points of its metrics. */
    void runs(String experimentId, Consumer<JsonNode> each) throws IOException;

    /** Every point of every metric of a run, in batches. */
    void points(JsonNode run, Consumer<List<JsonNode>> each) throws IOException;

    void loggedModels(String experimentId, Consumer<JsonNode> each) throws IOException;

    /** Some of a list. */
    @FunctionalInterface
    interface Batch {
        void take(List<JsonNode> some) throws IOException;
    }

    /** Every trace of an experiment with its tags, metadata and assessments, without its spans; at most 100 at a time. */
    void traces(String experimentId, Batch each) throws IOException;

    /**
     * The spans of a trace as OTLP's JSON; those that are kept in a file among its artifacts, if nothing nearer holds them.
     *
     * @param info as {@link #traces} tells it
     */
    default JsonNode spans(JsonNode info) throws IOException {
        String location = info.path("tags").path(TraceMessages.LOCATION).asText("");
        if (!location.isEmpty()) {
            for (ArtifactFile file : files(location)) {
                if (file.path().equals(TraceMessages.FILE)) {
                    try (InputStream content = file.content().open()) {
                        return TraceMessages.spans(
                                Api.JSON.readTree(kept(file, content)).path("spans"));
                    }
                }
            }
        }
        return Api.JSON.createArrayNode();
    }

    private static byte[] kept(ArtifactFile file, InputStream content) throws IOException {
        int most = (int) AnswerBounds.USUAL.mostBytes();
        byte[] bytes = content.readNBytes(most + 1);
        if (bytes.length > most) {
            throw new CliException(
                    Exit.FAILURE,
                    "file " + file.path() + (file.bytes() < 0 ? " has" : " has " + file.bytes() + " bytes,")
                            + " more than the " + most + " bytes that are read of one");
        }
        return bytes;
    }

    /** Registered models, each with its aliases. */
    List<JsonNode> models() throws IOException;

    /** Versions that are not deleted. */
    List<JsonNode> versions(String model) throws IOException;

    /** What there is that cannot be taken along, one sentence each. */
    List<String> leftBehind() throws IOException;

    /**
     * Files below a URI.
     *
     * @throws CliException for a place that cannot be read from here
     */
    List<ArtifactFile> files(String uri) throws IOException;

    /** Where a version's files are, if the source knows it better than the version's {@code source} says. */
    default Optional<String> storage(JsonNode version) throws IOException {
        return Optional.of(version.path("storage_location").asText("")).filter(text -> !text.isEmpty());
    }

    /**
     * A file and where it lies below its root.
     *
     * @param refusal why it may not be taken along; empty if it may
     */
    record ArtifactFile(String path, long bytes, Content content, Optional<String> refusal) {
        ArtifactFile(String path, long bytes, Content content) {
            this(path, bytes, content, Optional.empty());
        }

        /** One that is there and may not be taken along; nothing gets at what is in it. */
        static ArtifactFile refused(String path, String why) {
            return new ArtifactFile(
                    path,
                    -1,
                    () -> {
                        throw new CliException(Exit.FAILURE, why);
                    },
                    Optional.of(why));
        }
    }

    /** Opens a file's content. */
    @FunctionalInterface
    interface Content {
        InputStream open() throws IOException;
    }

    @Override
    void close() throws IOException;
}
