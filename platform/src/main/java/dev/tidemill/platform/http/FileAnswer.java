package dev.tidemill.platform.http;

import dev.tidemill.platform.backup.WatchedReceiver;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A file as an answer: whole, or the part that is asked for (RFC 9110, 13 and 14).
 *
 * @param name offered for saving it; may hold a path, of which the last part counts
 * @param size bytes
 * @param digest of the content; where it is not known, no part is sent on the condition that nothing has changed
 * @param content the file from its beginning; opened only if something of it is sent
 * @param shown what a browser does with it
 */
public record FileAnswer(
        String name, long size, Optional<String> digest, Supplier<InputStream> content, Presentation shown)
        implements SentFile {
    private static final int BUFFER = 64 * 1024;

    /** A client that takes less over so long, in which it is waited for, is let go: others wait for its place. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final long LEAST_BYTES_PER_SECOND = 1024;

    /**
     * What a browser does with a file.
     *
     * @param type of the content
     * @param headers that say so
     */
    public record Presentation(String type, Map<String, String> headers) {
        /** Saves it under the name, and runs nothing of it with our rights: what users' files are. */
        static Presentation saved(String name) {
            return new Presentation(
                    "application/octet-stream",
                    Map.of(
                            "Content-Security-Policy",
                            "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
                            "Content-Disposition",
                            disposition(name.substring(name.lastIndexOf('/') + 1))));
        }
    }

    /** A user's file, which a browser saves. */
    public FileAnswer(String name, long size, Optional<String> digest, Supplier<InputStream> content) {
        this(name, size, digest, content, Presentation.saved(name));
    }

    @Override
    public void send(Context context) throws IOException {
        context.disableCompression();
        Optional<String> tag = digest.map(value -> '"' + value + '"');
        String meant = context.header("If-Match");
        if (meant != null && !isMeant(meant, tag)) {
            throw new TidemillException(
                            ErrorCode.CONTENT_CHANGED,
                            "The file's ETag is " + tag.orElse("not known") + ", If-Match names " + meant)
                    .remedy("Fetch it as a whole");
        }
        if (tag.isPresent() && isNamed(context.header("If-None-Match"), tag.get())) {
            describe(context, tag);
            context.status(304);
            return;
        }
        var range = part(context, tag);
        if (range.isPresent() && !range.get().isSatisfiable(size)) {
            context.header("Content-Range", "bytes */" + size);
            throw new TidemillException(
                    ErrorCode.RANGE_NOT_SATISFIABLE,
                    "The file has " + size + " bytes; '" + context.header("Range") + "' asks for none of them");
        }
        ByteRange sent = range.orElse(new ByteRange(0, size - 1));
        boolean head = context.method() == HandlerType.HEAD;
        // Opened before anything is said of it: a file that cannot be read is answered with an error of its own length.
        try (InputStream in = head ? InputStream.nullInputStream() : content.get()) {
            describe(context, tag);
            if (range.isPresent()) {
                context.status(206).header("Content-Range", "bytes " + sent.first() + "-" + sent.last() + "/" + size);
            }
            context.res().setContentLengthLong(sent.length());
            if (!head) {
                try (var receiver =
                        new WatchedReceiver(context.res().getOutputStream(), PATIENCE, LEAST_BYTES_PER_SECOND)) {
                    var body = AnswerBody.uncompressed(context, receiver);
                    copy(in, sent, body);
                    body.end();
                }
            }
        }
    }

    private void describe(Context context, Optional<String> tag) {
        context.contentType(shown.type());
        shown.headers().forEach(context::header);
        context.header("X-Content-Type-Options", "nosniff").header("Accept-Ranges", "bytes");
        tag.ifPresent(value -> context.header("ETag", value));
    }

    /** A range has a meaning for {@code GET} alone, and none if the caller holds parts of another file. */
    private Optional<ByteRange> part(Context context, Optional<String> tag) {
        String condition = context.header("If-Range");
        boolean same = condition == null || tag.equals(Optional.of(condition.strip()));
        return context.method() == HandlerType.GET && same
                ? ByteRange.asked(context.header("Range"), size)
                : Optional.empty();
    }

    /** Here a weak tag names nothing. */
    private static boolean isMeant(String header, Optional<String> tag) {
        return Arrays.stream(header.split(","))
                .map(String::strip)
                .anyMatch(one -> one.equals("*") || tag.equals(Optional.of(one)));
    }

    private static boolean isNamed(@org.jspecify.annotations.Nullable String header, String tag) {
        return header != null
                && Arrays.stream(header.split(","))
                        .map(one -> one.strip().replaceFirst("^W/", ""))
                        .anyMatch(one -> one.equals(tag) || one.equals("*"));
    }

    private void copy(InputStream in, ByteRange range, OutputStream out) throws IOException {
        in.skipNBytes(range.first());
        byte[] buffer = new byte[(int) Math.min(BUFFER, Math.max(1, range.length()))];
        long left = range.length();
        while (left > 0) {
            int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (read < 0) {
                throw new EOFException("the file has become shorter than " + size + " bytes");
            }
            out.write(buffer, 0, read);
            left -= read;
        }
    }

    /** The name in ASCII for every client, and as it is for those that know RFC 8187. */
    static String disposition(String name) {
        String plain = name.replaceAll("[^\\w. -]", "_");
        String header = "attachment; filename=\"" + plain + "\"";
        return plain.equals(name) ? header : header + "; filename*=UTF-8''" + encoded(name);
    }

    private static String encoded(String name) {
        var text = new StringBuilder();
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            boolean kept =
                    b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || "._-".indexOf(b) >= 0;
            text.append(kept ? String.valueOf((char) b) : String.format("%%%02X", b));
        }
        return text.toString();
    }
}
