package dev.tidemill.artifacts.domain;

import java.util.Map;

/** How files that users have stored are sent: so that a browser runs nothing of them with our rights. */
public final class ArtifactDownloads {
    private ArtifactDownloads() {}

    /** Headers for a file; a page among them has an origin of its own and no scripts. */
    public static Map<String, String> headers(String path, BlobStore.Blob blob) {
        String name = path.substring(path.lastIndexOf('/') + 1).replaceAll("[^\\w. -]", "_");
        return Map.of(
                "Content-Security-Policy",
                "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
                "X-Content-Type-Options",
                "nosniff",
                "Content-Disposition",
                "attachment; filename=\"" + name + "\"",
                "ETag",
                '"' + blob.digest().value() + '"');
    }
}
