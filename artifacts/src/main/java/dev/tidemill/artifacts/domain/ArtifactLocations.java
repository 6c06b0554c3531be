package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Which URIs may say where artifacts are. */
public final class ArtifactLocations {
    /** Scheme of what this server itself keeps. */
    public static final String OWN = "mlflow-artifacts:/";

    private static final Pattern SCHEME = Pattern.compile("^([A-Za-z][A-Za-z0-9+.-]*):.*", Pattern.DOTALL);
    private static final Pattern LONE_PERCENT = Pattern.compile("%(?![0-9A-Fa-f]{2})");
    /** A name such as {@code a:b.txt} is a file's; an address goes on with a slash, and {@code file:} is always one. */
    private static final Pattern ADDRESS = Pattern.compile("(?is)^(?:[a-z][a-z0-9+.-]*:/|file:).*");

    private static final Set<String> SCHEMES = Set.of(
            "mlflow-artifacts",
            "s3",
            "gs",
            "wasb",
            "wasbs",
            "abfss",
            "hdfs",
            "dbfs",
            "file",
            "runs",
            "models",
            "hf",
            "oci",
            "abfs",
            "adl",
            "azureml",
            "databricks",
            "b2",
            "oss",
            "r2",
            "http",
            "https",
            "ftp",
            "sftp");

    private ArtifactLocations() {}

    /**
     * Refuses URIs that could mean something else than they say: dots that climb, fragments and queries, unknown schemes.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the field
     */
    public static String require(String field, String location) {
        String decoded = decoded(location);
        var scheme = SCHEME.matcher(decoded);
        boolean known = !scheme.matches() || SCHEMES.contains(scheme.group(1).toLowerCase(Locale.ROOT));
        if (climbs(location) || !known || decoded.chars().anyMatch(c -> c < ' ' || c == '#' || c == '?')) {
            throw TidemillException.invalid(field, "Invalid path in '" + field + "': '" + shown(location) + "'");
        }
        return location;
    }

    /** Whether a part of it is {@code ..}, however encoded. */
    public static boolean climbs(String location) {
        return Arrays.asList(decoded(location).split("[/\\\\]", -1)).contains("..");
    }

    /**
     * A path inside a folder of artifacts, normalised: no part may climb, be absolute or hide behind an encoding.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT}
     */
    public static String requireInside(String field, String path) {
        String decoded = decoded(path);
        boolean bad = decoded.startsWith("/")
                || decoded.indexOf('\\') >= 0
                || decoded.indexOf('#') >= 0
                || ADDRESS.matcher(decoded).matches()
                // What looks like an encoded control character may be part of a name, such as image%1764000000.
                || path.chars().anyMatch(c -> c < ' ')
                || decoded.indexOf('\0') >= 0
                || Arrays.asList(decoded.split("/", -1)).contains("..");
        if (bad) {
            throw TidemillException.invalid(field, "Invalid path: '" + shown(path) + "'");
        }
        String[] parts = Arrays.stream(path.split("/"))
                .filter(part -> !part.isEmpty() && !part.equals("."))
                .toArray(String[]::new);
        return String.join("/", parts);
    }

    /** A kept name as MLflow's older clients make it out of a list: decoded, but for control characters, which stay encoded. */
    static String spoken(String name) {
        var spoken = new StringBuilder();
        decoded(name).chars().forEach(c -> {
            if (c < ' ' || c == 127) {
                spoken.append(String.format(Locale.ROOT, "%%%02x", c));
            } else {
                spoken.append((char) c);
            }
        });
        return spoken.toString();
    }

    /** Decoded until nothing changes, so that no second decoding elsewhere finds something new. */
    private static String decoded(String text) {
        String now = text;
        for (int i = 0; i < 5; i++) {
            String next;
            try {
                // A percent sign that begins no encoded byte stands for itself, as in step%20%time.
                String safe = LONE_PERCENT.matcher(now.replace("+", "%2B")).replaceAll("%25");
                next = URLDecoder.decode(safe, StandardCharsets.UTF_8);
            } catch (IllegalArgumentException e) {
                return now;
            }
            if (next.equals(now)) {
                return now;
            }
            now = next;
        }
        return now;
    }

    private static String shown(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }
}
