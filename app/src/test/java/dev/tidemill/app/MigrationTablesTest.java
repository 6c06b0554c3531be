package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Domains are brought up to date one after the other, in an order of no meaning: no migration may need another domain's tables. */
class MigrationTablesTest {
    private static final Pattern CREATED = Pattern.compile("(?i)CREATE TABLE (?:IF NOT EXISTS )?(\\w+)");
    private static final Pattern RENAMED = Pattern.compile("(?i)RENAME TO (\\w+)");
    private static final Pattern MENTIONED = Pattern.compile(
            "(?i)\\b(?:FROM|JOIN|UPDATE|INTO|TABLE|REFERENCES|INDEX (?:IF NOT EXISTS )?\\w+ ON)\\s+(?:IF (?:NOT )?EXISTS )?(\\w+)");

    @Test
    void noMigrationNamesTablesOfAnotherDomain() throws IOException {
        Map<String, Set<String>> own = new HashMap<>();
        Map<String, Set<String>> mentioned = new HashMap<>();
        for (Path migration : migrations()) {
            String domain = migration.getName(migration.getNameCount() - 2).toString();
            String sql = Files.readString(migration).replaceAll("--[^\n]*", "");
            for (Pattern pattern : List.of(CREATED, RENAMED)) {
                pattern.matcher(sql)
                        .results()
                        .forEach(found -> own.computeIfAbsent(domain, name -> new HashSet<>())
                                .add(found.group(1)));
            }
            MENTIONED
                    .matcher(sql)
                    .results()
                    .forEach(found -> mentioned
                            .computeIfAbsent(domain, name -> new HashSet<>())
                            .add(found.group(1)));
        }
        assertThat(mentioned).hasSizeGreaterThan(8);
        mentioned.forEach((domain, tables) ->
                assertThat(own.getOrDefault(domain, Set.of())).as(domain).containsAll(tables));
    }

    private static List<Path> migrations() throws IOException {
        try (Stream<Path> files = Files.find(
                Path.of(".."),
                8,
                (path, attributes) -> path.toString().matches(".*/src/main/resources/db/\\w+/V\\w+\\.sql"))) {
            return files.toList();
        }
    }
}
