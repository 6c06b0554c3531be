package dev.tidemill.platform.definitions;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The files of a project folder as they were sent: texts by path, and for data files the digest of the uploaded blob.
 * Paths are relative to the project folder, with forward slashes.
 */
public record ProjectFiles(Map<String, String> texts, Map<String, String> blobs) {
    private static final Pattern DATA = Pattern.compile("(?i).+\\.(csv|gz)");

    public ProjectFiles {
        texts = Map.copyOf(texts);
        blobs = Map.copyOf(blobs);
        texts.keySet().forEach(ProjectFiles::requirePlain);
        blobs.keySet().forEach(ProjectFiles::requirePlain);
    }

    /** A text file that a definition refers to. */
    public String text(YamlObject from, String key, String path) {
        return Optional.ofNullable(texts.get(normal(path)))
                .orElseThrow(
                        () -> from.invalid(key, "there is no file '" + path + "' in the project" + hint(path, texts)));
    }

    /** Digest of a data file that a definition refers to. */
    public String blob(YamlObject from, String key, String path) {
        return Optional.ofNullable(blobs.get(normal(path)))
                .orElseThrow(() -> from.invalid(
                        key,
                        DATA.matcher(path).matches()
                                ? "there is no file '" + path + "' in the project" + hint(path, blobs)
                                : "'" + path
                                        + "' is no data file: CSV is read, plain or packed with gzip (.csv, .csv.gz)"));
    }

    private static String hint(String path, Map<String, String> files) {
        return Suggestions.nearest(path, new TreeMap<>(files).keySet())
                .map(nearest -> "; did you mean '" + nearest + "'?")
                .orElse("");
    }

    private static String normal(String path) {
        return path.startsWith("./") ? path.substring(2) : path;
    }

    private static void requirePlain(String path) {
        boolean plain = !path.isEmpty()
                && path.length() <= 500
                && !path.startsWith("/")
                && !path.contains("\\")
                && path.chars().noneMatch(c -> c < 32)
                && !java.util.Arrays.asList(path.split("/", -1)).stream()
                        .anyMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (!plain) {
            throw new TidemillException(
                            ErrorCode.INVALID_ARGUMENT, "'" + path + "' is not a path inside the project folder")
                    .at("files");
        }
    }
}
