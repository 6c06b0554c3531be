package dev.tidemill.artifacts.domain;

import java.io.InputStream;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** How files that users have stored are sent: so that a browser runs nothing of them with our rights. */
public final class ArtifactDownloads {
    private ArtifactDownloads() {}

    /** Headers for a file; a page among them has an origin of its own and no scripts. */
    public static Map<String, String> headers(String path, BlobStore.Blob blob) {
        return headers(
                path, new LocatedFiles.Found(blob.size(), Optional.of(blob.digest()), InputStream::nullInputStream));
    }

    /** The same for a file that may be kept elsewhere; it has no entity tag then. */
    public static Map<String, String> headers(String path, LocatedFiles.Found found) {
        String name = path.substring(path.lastIndexOf('/') + 1).replaceAll("[^\\w. -]", "_");
        var headers = new TreeMap<>(Map.of(
                "Content-Security-Policy",
                "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
                "X-Content-Type-Options",
                "nosniff",
                "Content-Disposition",
                "attachment; filename=\"" + name + "\""));
        found.digest().ifPresent(digest -> headers.put("ETag", '"' + digest.value() + '"'));
        return headers;
    }
}
