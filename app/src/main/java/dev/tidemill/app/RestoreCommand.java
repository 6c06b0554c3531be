package dev.tidemill.app;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.artifacts.ArtifactStorage;
import dev.tidemill.platform.backup.BackupReader;
import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.config.Logging;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseAddress;
import dev.tidemill.platform.sql.DatabaseDump;
import dev.tidemill.platform.sql.DatabaseLoad;
import dev.tidemill.platform.sql.Databases;
import dev.tidemill.platform.sql.DirectoryBinding;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill restore}. */
@Command(
        name = "restore",
        description = "Make an empty data directory and database what they were when a backup was made.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "The archive is checked before anything is written. A backup of either database goes into either;",
            "start the server with the same --data-dir and --database afterwards.",
            "Ends with 0; 8 if all is restored but blobs that the backup does not have; 1 if nothing is restored."
        })
final class RestoreCommand implements Callable<Integer> {
    private static final int FAILURE = 1;
    /** Done, but for items that are listed. */
    private static final int INCOMPLETE = 8;

    private static final int LISTED = 20;

    @Parameters(paramLabel = "FILE", description = "An archive made by 'tidemill backup'")
    private Path file = Path.of("");

    @Option(names = "--data-dir", paramLabel = "DIR", required = true, description = "Where everything is to live")
    private Path target = Path.of("");

    @Option(
            names = "--database",
            paramLabel = "ADDRESS",
            description = "sqlite, or postgresql://user:password@host/database. Default: as for a server")
    private @Nullable String address;

    @Override
    public Integer call() {
        Logging.quiet();
        try {
            var flags = new TreeMap<String, String>(Map.of(Setting.DATA_DIRECTORY.key(), target.toString()));
            Optional.ofNullable(address).ifPresent(text -> flags.put(Setting.DATABASE.key(), text));
            Settings settings = Settings.load(Optional.empty(), System.getenv(), flags);
            var database = DatabaseAddress.parse(settings.text(Setting.DATABASE));
            Optional<String> bucket = settings.optional(Setting.ARTIFACT_STORE);
            List<String> missing = restore(file, target, database, bucket);
            System.out.println(
                    "Restored to " + target.toAbsolutePath() + ". Start it: " + howToStart(target, database, bucket));
            missing.stream().limit(LISTED).forEach(digest -> System.err.println("  missing: blob " + digest));
            if (missing.isEmpty()) {
                return 0;
            }
            System.err.println("tidemill: " + missing.size()
                    + " blobs that rows name are not in the backup; what is made of" + " them is broken");
            return INCOMPLETE;
        } catch (TidemillException e) {
            System.err.println("tidemill: " + e.message());
            e.remedy().ifPresent(remedy -> System.err.println("  " + remedy));
            return FAILURE;
        } catch (RuntimeException e) {
            System.err.println("tidemill: The backup could not be restored: " + reason(e));
            return FAILURE;
        }
    }

    /** The command that starts a server with all that was restored; no password is in it. */
    static String howToStart(Path target, DatabaseAddress address, Optional<String> bucket) {
        var command = new StringBuilder();
        bucket.ifPresent(place -> command.append(Setting.ARTIFACT_STORE.variable())
                .append('=')
                .append(word(place))
                .append(' '));
        command.append("tidemill server --data-dir ").append(word(target.toString()));
        if (address instanceof DatabaseAddress.Postgres postgres) {
            command.append(" --database ").append(word(postgres.withPlaceOfPassword("PASSWORD")));
            if (postgres.password().isPresent()) {
                command.append(
                                "\n  with the database user's password in the place of PASSWORD; the address may be given in ")
                        .append(Setting.DATABASE.variable())
                        .append(" instead, where no list of processes shows it");
            }
        }
        return command.toString();
    }

    /** As a shell takes it. */
    private static String word(String text) {
        return text.matches("[A-Za-z0-9_./:@%+=,-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }

    /** What led to a failure in the first place, in one line. */
    private static String reason(Throwable failure) {
        Throwable first = failure;
        while (first.getCause() != null) {
            first = first.getCause();
        }
        String message = first.getMessage();
        return message == null ? first.toString() : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }

    /**
     * Restores a backup; if that fails, directory and database are as empty as before.
     *
     * @param bucket where blobs are to be kept; empty: in the directory
     * @return digests of blobs that rows name and the backup does not have
     * @throws TidemillException if the archive is damaged, or directory, database or bucket is not empty
     */
    static List<String> restore(Path file, Path target, DatabaseAddress address, Optional<String> bucket) {
        try (BackupReader backup = BackupReader.open(file, Backups.LAYOUT)) {
            List<String> missing = missingBlobs(backup);
            requireEmpty(target);
            try (DataDirectory directory = DataDirectory.openForRestore(target);
                    Database database = Databases.open(address, directory.path())) {
                var load = new DatabaseLoad(database);
                load.requireEmpty();
                backup.extract(
                        directory.path(),
                        path -> bucket.isEmpty() || NamedBlobs.digest(path).isEmpty());
                load.read(backup.manifest().path("database"), backup::open);
                try {
                    if (isNamed(backup, ArtifactStorage.identityTable())) {
                        ArtifactStorage.renewIdentity(database);
                    }
                    if (bucket.isPresent()) {
                        restoreBlobs(backup, directory, database, bucket.get());
                    }
                } catch (RuntimeException | IOException e) {
                    load.undo();
                    throw e;
                }
                new DirectoryBinding(directory).bind(address);
                directory.restored();
            } catch (RuntimeException | IOException e) {
                empty(target);
                throw e;
            }
            return missing;
        } catch (IOException e) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION, "The backup could not be restored: " + e.getMessage())
                    .causedBy(e);
        }
    }

    private static boolean isNamed(BackupReader backup, String table) {
        for (JsonNode named : backup.manifest().path("database").path("tables")) {
            if (named.path("name").asText().equals(table)) {
                return true;
            }
        }
        return false;
    }

    /** Into a part of a bucket where nothing is; if that fails, nothing is there again. */
    private static void restoreBlobs(BackupReader backup, DataDirectory directory, Database database, String bucket)
            throws IOException {
        database.migrate(Modules.SCHEMAS.stream().map(Schema::name).toList());
        var place = new ArtifactStorage.Bucket(
                bucket, directory.path().resolve(Foundation.ARTIFACT_COPIES), 0, directory.identity());
        var restored = ArtifactStorage.forRestore(place, System.getenv(), database, Clock.systemUTC());
        try {
            for (String path : backup.files(name -> NamedBlobs.digest(name).isPresent())) {
                try (InputStream content = backup.openFile(path)) {
                    restored.blobs().put(content, Long.MAX_VALUE);
                }
            }
        } catch (RuntimeException | IOException | Error e) {
            restored.undo();
            throw e;
        }
    }

    private static List<String> missingBlobs(BackupReader backup) throws IOException {
        JsonNode tables = backup.manifest().path("database").path("tables");
        var named = new NamedBlobs(tables);
        for (JsonNode table : tables) {
            String name = table.path("name").asText();
            for (int part = 1;
                    named.tables().contains(name) && part <= table.path("parts").asInt();
                    part++) {
                named.read(name, backup.open(DatabaseDump.part(name, part)));
            }
        }
        return named.missing(new NamedBlobs.Blobs() {
            @Override
            public boolean has(String path) {
                return backup.hasFile(path);
            }

            @Override
            public InputStream open(String path) throws IOException {
                return backup.openFile(path);
            }
        });
    }

    private static void requireEmpty(Path target) throws IOException {
        if (!Files.exists(target)) {
            return;
        }
        try (Stream<Path> entries = Files.list(target)) {
            if (entries.findAny().isPresent()) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION, "The data directory " + target + " is not empty")
                        .at("data-dir")
                        .remedy("Name a directory that is empty or not there yet, with --data-dir");
            }
        }
    }

    private static void empty(Path target) throws IOException {
        if (!Files.isDirectory(target)) {
            return;
        }
        try (Stream<Path> entries = Files.list(target)) {
            entries.toList().forEach(FileTrees::delete);
        }
    }
}
