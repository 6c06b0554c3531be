package dev.tidemill.platform.backup;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.sql.DatabaseDump;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Checks what a manifest says before anything is done by it. Each check gives what is wrong, if anything. */
final class BackupManifest {
    /** A file that the archive says it has. */
    record Entry(String name, long bytes, String sha256) {}

    /** Names that may stand in a statement. */
    private static final Pattern IDENTIFIER = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

    private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern VERSION = Pattern.compile("[0-9]+(\\.[0-9]+)*");

    private final JsonNode manifest;
    private final BackupLayout layout;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    BackupManifest(JsonNode manifest, BackupLayout layout) {
        this.manifest = manifest;
        this.layout = layout;
    }

    /** What the archive says it has, by name; complete once {@link #wrong} was empty. */
    Map<String, Entry> entries() {
        return entries;
    }

    Optional<String> wrong() {
        for (String key : List.of("tidemill", "createdAt")) {
            if (!manifest.path(key).isTextual()) {
                return Optional.of("its manifest has no '" + key + "'");
            }
        }
        return wrongEntries().or(this::wrongSchemas).or(this::wrongTables);
    }

    private Optional<String> wrongEntries() {
        if (!manifest.path("entries").isArray()) {
            return Optional.of("its manifest has no 'entries'");
        }
        for (JsonNode one : manifest.path("entries")) {
            String name = one.path("name").asText();
            boolean whole = one.path("name").isTextual()
                    && one.path("bytes").isIntegralNumber()
                    && one.path("bytes").asLong() >= 0
                    && DIGEST.matcher(one.path("sha256").asText()).matches();
            if (!whole) {
                return Optional.of(
                        "its manifest has an entry without name, bytes or sha256: " + shortened(one.toString()));
            }
            if (name.startsWith(BackupWriter.FILES)
                    ? !layout.allows(name.substring(BackupWriter.FILES.length()))
                    : !name.startsWith(DatabaseDump.PARTS)) {
                return Optional.of("'" + shortened(name) + "' has no place in a backup");
            }
            var entry = new Entry(
                    name, one.path("bytes").asLong(), one.path("sha256").asText());
            if (entries.put(name, entry) != null) {
                return Optional.of("its manifest names '" + name + "' twice");
            }
        }
        return Optional.empty();
    }

    private Optional<String> wrongSchemas() {
        JsonNode schemas = manifest.path("database").path("schemas");
        if (!schemas.isObject() || schemas.isEmpty()) {
            return Optional.of("its manifest has no 'database.schemas'");
        }
        return schemas.properties().stream()
                .filter(schema -> !IDENTIFIER.matcher(schema.getKey()).matches()
                        || !VERSION.matcher(schema.getValue().asText()).matches())
                .findFirst()
                .map(schema -> "its manifest has a schema '" + shortened(schema.getKey()) + "' of version '"
                        + shortened(schema.getValue().asText()) + "'");
    }

    private Optional<String> wrongTables() {
        JsonNode tables = manifest.path("database").path("tables");
        if (!tables.isArray() || tables.isEmpty()) {
            return Optional.of("its manifest has no 'database.tables'");
        }
        Set<String> parts = new HashSet<>();
        for (JsonNode table : tables) {
            String name = table.path("name").asText();
            boolean whole = IDENTIFIER.matcher(name).matches()
                    && table.path("rows").isIntegralNumber()
                    && table.path("parts").isInt()
                    && table.path("columns").isArray()
                    && !table.path("columns").isEmpty();
            if (!whole) {
                return Optional.of("its manifest has a table without name, columns, rows or parts: "
                        + shortened(table.toString()));
            }
            for (JsonNode column : table.path("columns")) {
                if (!IDENTIFIER.matcher(column.asText()).matches()) {
                    return Optional.of("table " + name + " has a column '" + shortened(column.asText()) + "'");
                }
            }
            for (int number = 1; number <= table.path("parts").asInt(); number++) {
                String part = DatabaseDump.part(name, number);
                if (!entries.containsKey(part)) {
                    return Optional.of(part + " is missing");
                }
                parts.add(part);
            }
        }
        return entries.keySet().stream()
                .filter(name -> name.startsWith(DatabaseDump.PARTS) && !parts.contains(name))
                .findFirst()
                .map(name -> "no table has '" + shortened(name) + "'");
    }

    private static String shortened(String text) {
        String plain = text.replaceAll("\\p{Cntrl}", "?");
        return plain.length() <= 100 ? plain : plain.substring(0, 100) + " ...";
    }
}
