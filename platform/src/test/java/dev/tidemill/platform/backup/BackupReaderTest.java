package dev.tidemill.platform.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BackupReaderTest {
    private static final BackupLayout LAYOUT = new BackupLayout(List.of("artifacts", "logs"), Set.of("secrets.key"));
    private static final String BLOB = "files/artifacts/ab/cd";
    private static final String PART = "database/model/000001.jsonl";

    @TempDir
    private Path folder;

    private Map<String, byte[]> entries = new LinkedHashMap<>();

    @BeforeEach
    void write() throws IOException {
        Path data = folder.resolve("data");
        Files.createDirectories(data.resolve("artifacts/ab"));
        Files.writeString(data.resolve("artifacts/ab/cd"), "content");
        Files.writeString(data.resolve("secrets.key"), "secret");
        Files.setPosixFilePermissions(data.resolve("artifacts/ab/cd"), PosixFilePermissions.fromString("rwxrwxrwx"));
        var out = new ByteArrayOutputStream();
        var writer = new BackupWriter(out);
        writer.manifest().put("tidemill", "1").put("createdAt", "2026-11-27T12:00:00Z");
        ObjectNode database = writer.manifest().putObject("database").put("dialect", "sqlite");
        database.putObject("schemas").put("registry", "1");
        ObjectNode table = database.putArray("tables").addObject().put("name", "model");
        table.putArray("columns").add("name");
        table.put("rows", 1).put("parts", 1);
        writer.add(PART, "[\"a\"]\n".getBytes(StandardCharsets.UTF_8));
        writer.addFolder(data, "artifacts");
        writer.addFile(data, data.resolve("secrets.key"));
        assertThat(writer.hasFile("artifacts/ab/cd")).isTrue();
        writer.finish();
        try (var zip = new ZipInputStream(new ByteArrayInputStream(out.toByteArray()))) {
            ZipEntry entry;
            while ((entry = zip.getNextEntry()) != null) {
                entries.put(entry.getName(), zip.readAllBytes());
            }
        }
    }

    private Path archive() throws IOException {
        Path file = folder.resolve("all.zip");
        try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        }
        return file;
    }

    private void manifest(Consumer<ObjectNode> change) {
        ObjectNode manifest = Json.parseObject(Objects.requireNonNull(entries.get("manifest.json")));
        change.accept(manifest);
        entries.put("manifest.json", Json.write(manifest).getBytes(StandardCharsets.UTF_8));
    }

    private void named(String name, String content) {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        entries.put(name, bytes);
        manifest(manifest -> manifest.withArray("entries")
                .addObject()
                .put("name", name)
                .put("bytes", bytes.length)
                .put("sha256", Ids.sha256(content))
                .put("permissions", "rwsrwxrwx"));
    }

    private void refused(String why) throws IOException {
        Path file = archive();
        assertThatThrownBy(() -> BackupReader.open(file, LAYOUT).close())
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(ErrorCode.INVALID_DATA))
                .hasMessageContaining("cannot be used")
                .hasMessageContaining(why);
    }

    @Test
    void whatWasWrittenComesBackForItsOwnerAlone() throws Exception {
        named("files/logs/run/step.log", "a line");
        Path restored = Files.createDirectory(folder.resolve("restored"));
        try (BackupReader reader = BackupReader.open(archive(), LAYOUT)) {
            reader.extract(restored);
            assertThat(reader.hasFile("artifacts/ab/cd")).isTrue();
            assertThat(reader.hasFile("artifacts/ab/ce")).isFalse();
        }
        assertThat(restored.resolve("artifacts/ab/cd")).hasContent("content");
        for (String file : List.of("artifacts/ab/cd", "secrets.key", "logs/run/step.log")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(restored.resolve(file))))
                    .as(file)
                    .isEqualTo("rw-------");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"format", "tidemill", "createdAt", "entries", "database"})
    void aManifestWithoutAKeyIsRefused(String key) throws IOException {
        manifest(manifest -> manifest.remove(key));
        refused("its manifest has no '" + key);
    }

    @ParameterizedTest
    @ValueSource(strings = {"schemas", "tables"})
    void aManifestWithoutTheDatabasesKeyIsRefused(String key) throws IOException {
        manifest(manifest -> manifest.withObject("/database").remove(key));
        refused("its manifest has no 'database." + key + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"name", "bytes", "sha256"})
    void anEntryWithoutAKeyIsRefused(String key) throws IOException {
        manifest(manifest -> ((ObjectNode) manifest.path("entries").get(0)).remove(key));
        refused("an entry without name, bytes or sha256");
    }

    @ParameterizedTest
    @ValueSource(strings = {"columns", "rows", "parts"})
    void aTableWithoutAKeyIsRefused(String key) throws IOException {
        manifest(manifest -> ((ObjectNode) manifest.at("/database/tables/0")).remove(key));
        refused("a table without name, columns, rows or parts");
    }

    @Test
    void anEntryThatIsGoneIsSeen() throws IOException {
        entries.remove(BLOB);
        refused(BLOB + " is missing");
    }

    @Test
    void rowsThatAreGoneFromTheManifestAsWellAreSeen() throws IOException {
        entries.remove(PART);
        manifest(manifest -> manifest.withArray("entries").remove(0));
        refused(PART + " is missing");
    }

    @Test
    void whatTheManifestDoesNotNameIsRefused() throws IOException {
        entries.put("files/artifacts/ab/ef", new byte[] {1});
        refused("its manifest does not name 'files/artifacts/ab/ef'");
    }

    @Test
    void whatTheManifestNamesTwiceIsRefused() throws IOException {
        manifest(manifest -> manifest.withArray("entries")
                .add(manifest.path("entries").get(0).deepCopy()));
        refused("names '" + PART + "' twice");
    }

    @Test
    void contentThatIsLongerThanToldIsRefusedBeforeItIsAllRead() throws IOException {
        entries.put(BLOB, new byte[1 << 24]);
        refused("the content of " + BLOB + " is not what was written");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "files/../outside",
                "files/artifacts/../../outside",
                "files/artifacts/./cd",
                "files/artifacts//cd",
                "files/artifacts/",
                "files/artifacts",
                "files/artifacts/a\\..\\..\\b",
                "files//etc/passwd",
                "files/python/bin/python",
                "files/lock",
                "files/tidemill.db",
                "files/secrets.key/more",
                "database/../model/000001.jsonl",
                "database/other/000001.jsonl",
                "elsewhere",
                "/etc/passwd"
            })
    void aNameWithoutAPlaceIsRefused(String name) throws IOException {
        named(name, "x");
        refused(name.startsWith("database/") ? "no table has" : "has no place in a backup");
    }

    @ParameterizedTest
    @CsvSource({
        "/database/tables/0,name,model; DROP TABLE version",
        "/database/tables/0,name,../model",
        "/database/schemas,registry,newest",
        "/database/schemas,../registry,1"
    })
    void namesThatAreNoneAreRefused(String at, String key, String value) throws IOException {
        manifest(manifest -> ((ObjectNode) manifest.at(at)).put(key, value));
        refused("its manifest has a ");
    }

    @Test
    void aColumnThatIsAStatementIsRefused() throws IOException {
        manifest(manifest -> ((ObjectNode) manifest.at("/database/tables/0"))
                .putArray("columns")
                .add("name) --"));
        refused("has a column");
    }

    @Test
    void aNewerFormatIsNotSupported() throws IOException {
        manifest(manifest -> manifest.put("format", BackupWriter.FORMAT + 1));
        Path file = archive();
        assertThatThrownBy(() -> BackupReader.open(file, LAYOUT).close())
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(ErrorCode.NOT_SUPPORTED));
    }

    @Test
    void textThatIsNoManifestIsRefused() throws IOException {
        entries.put("manifest.json", "[]".getBytes(StandardCharsets.UTF_8));
        refused("manifest.json is no JSON object");
    }
}
