package dev.tidemill.inference.journal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/** Frames of predictions in a file: four bytes of length, four of the CRC-32C of what follows, and a JSON list. */
final class Frames {
    private static final int HEAD = 8;

    /**
     * What a file holds.
     *
     * @param batches the frames that could be read, in order
     * @param torn bytes at the end that no whole frame follows: a sudden end cut them before anybody had an answer
     * @param unreadable bytes before the last whole frame, and whole frames, that could not be read
     */
    record Content(List<List<Prediction>> batches, long torn, long unreadable) {}

    private Frames() {}

    static ByteBuffer of(List<Prediction> predictions) {
        byte[] content;
        try {
            content = Json.objectMapper().writeValueAsBytes(predictions);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
        return ByteBuffer.allocate(HEAD + content.length)
                .putInt(content.length)
                .putInt(checksum(content, 0, content.length))
                .put(content)
                .flip();
    }

    private static int checksum(byte[] bytes, int from, int length) {
        var checksum = new CRC32C();
        checksum.update(bytes, from, length);
        return (int) checksum.getValue();
    }

    /** Reads a file, also what follows damage in its midst. */
    static Content read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        var batches = new ArrayList<List<Prediction>>();
        long unreadable = 0;
        int end = 0;
        for (int at = 0; at < bytes.length; ) {
            int length = length(bytes, at);
            if (length < 0) {
                at++;
                continue;
            }
            unreadable += at - end;
            try {
                batches.add(Json.objectMapper().readValue(bytes, at + HEAD, length, new TypeReference<>() {}));
            } catch (JsonProcessingException e) {
                unreadable += HEAD + length;
            }
            at += HEAD + length;
            end = at;
        }
        return new Content(batches, bytes.length - end, unreadable);
    }

    /**
     * Length of the content of a whole frame at a place, or -1. The brackets are looked at first: within JSON, which has no
     * control characters, four bytes are hardly ever a length that fits, so the search for the next frame costs one pass.
     */
    private static int length(byte[] bytes, int at) {
        if (bytes.length - at < HEAD + 2) {
            return -1;
        }
        ByteBuffer head = ByteBuffer.wrap(bytes, at, HEAD);
        int length = head.getInt();
        boolean fits = length >= 2
                && length <= bytes.length - at - HEAD
                && bytes[at + HEAD] == '['
                && bytes[at + HEAD + length - 1] == ']';
        return fits && checksum(bytes, at + HEAD, length) == head.getInt() ? length : -1;
    }
}
