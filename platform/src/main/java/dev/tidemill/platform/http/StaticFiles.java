package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import io.javalin.http.Context;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/** The packaged UI: files from the class path below {@code /ui}; any other page address gets the application's shell. */
public final class StaticFiles {
    private static final Pattern ASSET = Pattern.compile("/assets/[A-Za-z0-9_.-]{1,120}");
    private static final Map<String, String> TYPES = Map.of(
            "js", "text/javascript",
            "css", "text/css",
            "svg", "image/svg+xml",
            "png", "image/png",
            "woff2", "font/woff2",
            "json", "application/json",
            "html", "text/html; charset=utf-8",
            "ico", "image/x-icon");
    private static final String POLICY =
            "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline';"
                    + " script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

    private static final Pattern TAKES_GZIP =
            Pattern.compile("(?<![\\w-])(gzip|\\*)(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))", Pattern.CASE_INSENSITIVE);

    private static final Map<String, String> SHELL =
            Map.of("Content-Security-Policy", POLICY, "Cache-Control", "no-cache");
    /** Their names change with their content. */
    private static final Map<String, String> UNCHANGED = Map.of("Cache-Control", "public, max-age=31536000, immutable");

    private static final Map<String, String> UNCHANGED_FOR_A_DAY = Map.of("Cache-Control", "public, max-age=86400");
    private static final Packaged NO_PAGES =
            packaged(("<!doctype html><title>Tidemill</title><p>This build carries no user interface."
                            + " Run <code>make ui</code> and start again; the API is at"
                            + " <code>/api/tidemill/v1</code>.</p>")
                    .getBytes(StandardCharsets.UTF_8));

    /** What has been asked for; a few hundred files at most, since only those of the class path are kept. */
    private static final Map<String, Packaged> FILES = new ConcurrentHashMap<>();

    /**
     * One file.
     *
     * @param packed the content in gzip; empty where that is no shorter
     * @param digest of the content
     */
    private record Packaged(byte[] content, byte[] packed, String digest) {}

    private StaticFiles() {}

    public static List<Route> routes() {
        return List.of(
                page("/", (context, caller) -> shell(context)),
                page("/assets/{file}", (context, caller) -> asset(context)),
                page("/favicon.svg", (context, caller) -> found(context, "/favicon.svg", UNCHANGED_FOR_A_DAY)),
                page("/ui/<page>", (context, caller) -> shell(context)));
    }

    /** What a user sees first waits for no download. */
    private static Route page(String path, Route.FileSource source) {
        return Route.file(path, Access.open(), source).lane(Lane.REQUESTS);
    }

    private static FileAnswer shell(Context context) {
        return find(context, "/index.html", SHELL).orElseGet(() -> answer(context, "/index.html", NO_PAGES, SHELL));
    }

    private static FileAnswer asset(Context context) {
        String path = context.path();
        if (!ASSET.matcher(path).matches()) {
            throw TidemillException.notFound("file", path);
        }
        return found(context, path, UNCHANGED);
    }

    private static FileAnswer found(Context context, String path, Map<String, String> headers) {
        return find(context, path, headers)
                .orElseThrow(() -> new TidemillException(ErrorCode.NOT_FOUND, "There is no file " + path));
    }

    private static Optional<FileAnswer> find(Context context, String path, Map<String, String> headers) {
        Packaged kept = FILES.get(path);
        if (kept == null) {
            Optional<Packaged> read = read(path);
            read.ifPresent(file -> FILES.put(path, file));
            return read.map(file -> answer(context, path, file, headers));
        }
        return Optional.of(answer(context, path, kept, headers));
    }

    /** The one of a file's representations that the client takes; parts and tags are of that one. */
    private static FileAnswer answer(Context context, String path, Packaged file, Map<String, String> headers) {
        String accepted = context.header("Accept-Encoding");
        boolean packed = file.packed().length > 0
                && accepted != null
                && TAKES_GZIP.matcher(accepted).find();
        byte[] content = packed ? file.packed() : file.content();
        var all = new HashMap<>(headers);
        all.put("Vary", "Accept-Encoding");
        if (packed) {
            all.put("Content-Encoding", "gzip");
        }
        String type = TYPES.getOrDefault(path.substring(path.lastIndexOf('.') + 1), "application/octet-stream");
        return new FileAnswer(
                path,
                content.length,
                Optional.of(packed ? file.digest() + "-gzip" : file.digest()),
                () -> new ByteArrayInputStream(content),
                new FileAnswer.Presentation(type, all));
    }

    private static Optional<Packaged> read(String path) {
        try (var stream = StaticFiles.class.getResourceAsStream("/ui" + path)) {
            return stream == null ? Optional.empty() : Optional.of(packaged(stream.readAllBytes()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Packaged packaged(byte[] content) {
        try {
            var packed = new ByteArrayOutputStream();
            try (var packing = new GZIPOutputStream(packed)) {
                packing.write(content);
            }
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
            return new Packaged(
                    content,
                    packed.size() < content.length ? packed.toByteArray() : new byte[0],
                    HexFormat.of().formatHex(digest));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
