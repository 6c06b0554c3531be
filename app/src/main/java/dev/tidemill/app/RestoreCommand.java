package dev.tidemill.app;

import dev.tidemill.platform.backup.BackupReader;
import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseAddress;
import dev.tidemill.platform.sql.DatabaseLoad;
import dev.tidemill.platform.sql.Databases;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
            "start the server with the same --data-dir and --database afterwards."
        })
final class RestoreCommand implements Callable<Integer> {
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
        try {
            var flags = new TreeMap<String, String>(Map.of(Setting.DATA_DIRECTORY.key(), target.toString()));
            Optional.ofNullable(address).ifPresent(text -> flags.put(Setting.DATABASE.key(), text));
            Settings settings = Settings.load(Optional.empty(), System.getenv(), flags);
            restore(file, target, DatabaseAddress.parse(settings.text(Setting.DATABASE)));
            System.out.println(
                    "Restored to " + target.toAbsolutePath() + ". Start it: tidemill server --data-dir " + target);
            return 0;
        } catch (TidemillException e) {
            System.err.println("tidemill: " + e.message());
            e.remedy().ifPresent(remedy -> System.err.println("  " + remedy));
            return 1;
        }
    }

    /**
     * Restores a backup; if that fails, directory and database are as empty as before.
     *
     * @throws TidemillException if the archive is damaged, or directory or database is not empty
     */
    static void restore(Path file, Path target, DatabaseAddress address) {
        try (BackupReader backup = BackupReader.open(file)) {
            requireEmpty(target);
            try (DataDirectory directory = DataDirectory.open(target)) {
                backup.extract(directory.path());
                try (Database database = Databases.open(address, directory.path())) {
                    new DatabaseLoad(database).read(backup.manifest().path("database"), backup::open);
                }
            } catch (RuntimeException | IOException e) {
                empty(target);
                throw e;
            }
        } catch (IOException e) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION, "The backup could not be restored: " + e.getMessage())
                    .causedBy(e);
        }
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
        try (Stream<Path> entries = Files.list(target)) {
            entries.toList().forEach(FileTrees::delete);
        }
    }
}
