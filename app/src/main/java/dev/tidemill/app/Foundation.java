package dev.tidemill.app;

import dev.tidemill.artifacts.ArtifactStorage;
import dev.tidemill.platform.PlatformModule;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.outbound.Destinations;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.secrets.SecretCipher;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseAddress;
import dev.tidemill.platform.sql.Databases;
import dev.tidemill.platform.sql.DirectoryBinding;
import dev.tidemill.platform.sql.InstanceLease;
import dev.tidemill.platform.telemetry.Telemetry;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What the modules of a server stand on.
 *
 * @param alone whether no other process can share the database
 * @param slots steps of pipelines at a time
 * @param steps child processes of steps
 * @param interactive child processes of computations that people wait for
 * @param turns at those
 * @param deletions what the collectors of files ask, so that a backup finds those that its rows name
 * @param journalFiles the same for files of waiting predictions
 */
record Foundation(
        Settings settings,
        Clock clock,
        DataDirectory directory,
        Telemetry telemetry,
        Database database,
        boolean alone,
        int slots,
        ChildPool steps,
        ChildPool interactive,
        FairTurns turns,
        DeletionHold deletions,
        DeletionHold journalFiles) {
    /** Most computations that one caller may have waiting, and how long one waits for its turn. */
    private static final int WAITING_COMPUTATIONS = 16;

    /** Folder of copies of artifacts that are in a bucket. */
    static final String ARTIFACT_COPIES = "artifact-copies";

    private static final Duration COMPUTATION_PATIENCE = Duration.ofSeconds(20);

    /**
     * Opens directory and database.
     *
     * @param schemas what the database is to hold
     * @param parts where everything is kept that must be closed
     */
    static Foundation lay(Settings settings, List<Schema> schemas, Parts parts, Clock clock) {
        var directory = parts.keep(DataDirectory.open(Node.dataDirectory(settings)));
        parts.keep(new DirectoryWatch(directory)).start();
        var address = DatabaseAddress.parse(settings.text(Setting.DATABASE));
        var telemetry = parts.keep(new Telemetry(settings.optional(Setting.TRACES_ENDPOINT)));
        Database database = openMigrated(settings, address, schemas, directory, parts, clock);
        new DirectoryBinding(directory).bind(address);
        int processors = Math.max(2, Runtime.getRuntime().availableProcessors());
        int slots = slots(settings, processors);
        int heap = settings.whole(Setting.CHILD_HEAP);
        long asked = settings.whole(Setting.INTERACTIVE);
        int interactive = asked == 0 ? Math.max(3, processors) : (int) Math.max(2, asked);
        return new Foundation(
                settings,
                clock,
                directory,
                telemetry,
                database,
                address instanceof DatabaseAddress.Sqlite,
                slots,
                parts.keep(new ChildPool("steps", slots, heap)),
                parts.keep(new ChildPool("interactive", interactive, heap)),
                new FairTurns(interactive, WAITING_COMPUTATIONS, COMPUTATION_PATIENCE),
                new DeletionHold(),
                new DeletionHold());
    }

    private static Database openMigrated(
            Settings settings,
            DatabaseAddress address,
            List<Schema> schemas,
            DataDirectory directory,
            Parts parts,
            Clock clock) {
        try {
            Database database = open(settings, address, directory, parts, clock);
            database.migrate(schemas.stream().map(Schema::name).toList());
            return database;
        } catch (RuntimeException e) {
            throw Databases.explained(e, directory.path());
        }
    }

    /** Opens a database that is the directory's, and takes it for this server. */
    private static Database open(
            Settings settings, DatabaseAddress address, DataDirectory directory, Parts parts, Clock clock) {
        boolean takeOver = settings.flag(Setting.DATABASE_TAKE_OVER);
        var binding = new DirectoryBinding(directory);
        if (address instanceof DatabaseAddress.Sqlite) {
            if (!takeOver) {
                binding.requireSqlite();
            }
            Database sqlite = parts.keep(Databases.open(address, directory.path()));
            sqlite.guardWrites(directory::requireHeld);
            if (!takeOver) {
                binding.requireFilled(sqlite);
            }
            return sqlite;
        }
        Database database = parts.keep(Databases.open(address, directory.path(), InstanceLease.connections(directory)));
        if (!takeOver) {
            binding.requirePostgres(database, address);
        }
        parts.keep(InstanceLease.claimUnmigrated(database, directory, takeOver, clock));
        return database;
    }

    private static int slots(Settings settings, int processors) {
        int asked = settings.whole(Setting.WORKERS);
        return asked == 0 ? processors : asked;
    }

    PlatformModule platform() {
        var secrets = SecretCipher.of(
                settings.optional(Setting.SECRETS_KEY), directory.path().resolve(Backups.SECRETS_KEY));
        var destinations = new Destinations(settings.list(Setting.OUTBOUND_ALLOW_INTERNAL));
        return new PlatformModule(database, destinations, secrets, days(Setting.RETENTION_EVENTS), clock);
    }

    /** Where artifacts are kept. */
    ArtifactStorage artifactStorage() {
        Path copies = directory.path().resolve(ARTIFACT_COPIES);
        String bucket = settings.text(Setting.ARTIFACT_STORE).strip();
        ArtifactStorage.requireSame(copies, bucket);
        return new ArtifactStorage(
                directory.folder("artifacts"),
                bucket.isEmpty()
                        ? Optional.empty()
                        : Optional.of(new ArtifactStorage.Bucket(
                                bucket, copies, settings.megabytes(Setting.ARTIFACT_COPIES), directory.identity())));
    }

    void publish() {
        telemetry.gauge("tidemill.computations.running", "Computations under way that somebody waits for", turns::held);
        telemetry.gauge("tidemill.computations.waiting", "Computations that wait for their turn", turns::waiting);
    }

    /** A time in days; empty for ever. */
    Optional<Duration> days(Setting setting) {
        long days = settings.whole(setting);
        return days == 0 ? Optional.empty() : Optional.of(Duration.ofDays(days));
    }
}
