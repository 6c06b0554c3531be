package dev.tidemill.platform.sql;

import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.DurableFile;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;

/**
 * Which database the files of a data directory belong to. A server that was started there with another one, which has no users,
 * would answer everybody and keep its files among those of the first.
 *
 * <p>The file {@code database} says it once a database has been opened for the directory. Where it does not, files that only a
 * server with a database writes tell.
 */
public final class DirectoryBinding {
    /** Holds {@code sqlite} or the address of a PostgreSQL without the password. */
    private static final String MARK = "database";

    private static final String SQLITE = "sqlite";

    /** What a server makes once its database is open, and nobody else. */
    private static final List<String> SERVERS_ALONE = List.of("artifact-copies", "tables", "payloads", "scoring");

    private final DataDirectory directory;

    public DirectoryBinding(DataDirectory directory) {
        this.directory = directory;
    }

    /**
     * Refuses, before it is made, an SQLite database in a directory whose database is another one.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if the directory belongs to a PostgreSQL, or its SQLite database is lost
     */
    public void requireSqlite() {
        Optional<String> owner = owner();
        if (owner.isPresent() && !owner.get().equals(SQLITE)) {
            throw refused(
                    "The data directory " + directory.path() + " belongs to " + owner.get()
                            + ", and this start is with SQLite",
                    "Start with --database and that address, or name another directory with --data-dir");
        }
        if (owner.isPresent() && !hasSqlite()) {
            throw refused(
                    "The SQLite database of the data directory " + directory.path() + ", its file "
                            + Databases.SQLITE_FILE + ", is not there",
                    "Put it back, or restore a backup into an empty directory");
        }
    }

    /**
     * Refuses an SQLite database that holds nothing, where the directory has had one with users and models: its file was cut off, or
     * another one was put in its place.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} for that
     */
    public void requireFilled(Database sqlite) {
        if (mark().equals(Optional.of(SQLITE))
                && sqlite.<Boolean>apart(handle -> Tables.isEmpty(handle, sqlite.dialect()))) {
            throw refused(
                    "The SQLite database of the data directory " + directory.path() + ", its file "
                            + Databases.SQLITE_FILE + ", is empty, though it has been in use",
                    "Put the right file back, or restore a backup into an empty directory");
        }
    }

    /**
     * Refuses a PostgreSQL for a directory that belongs to another database; one that says itself that its files are in this directory
     * is always taken, and whether its files are elsewhere is asked by {@link InstanceLease}.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if the directory belongs to an SQLite database, or to a PostgreSQL while
     *     this one is empty
     */
    public void requirePostgres(Database database, DatabaseAddress address) {
        Optional<String> owner = owner();
        if (owner.isEmpty() || InstanceLease.isBound(database, directory)) {
            return;
        }
        if (owner.get().equals(SQLITE)) {
            throw refused(
                    "The data directory " + directory.path() + " belongs to its SQLite database, "
                            + Databases.SQLITE_FILE + ", and this start is with " + address,
                    "To move to PostgreSQL, back up the server with SQLite and restore into a new directory and that"
                            + " database (tidemill restore); or start without --database");
        }
        if (database.<Boolean>apart(handle -> Tables.isEmpty(handle, database.dialect()))) {
            throw refused(
                    "The data directory " + directory.path() + " belongs to " + owner.get() + ", and " + address
                            + " is empty",
                    "Start with the database of that directory, or name another directory with --data-dir");
        }
    }

    /** Notes which database the directory belongs to from now on; it survives a crash whole or not at all. */
    public void bind(DatabaseAddress address) {
        String text = address instanceof DatabaseAddress.Sqlite ? SQLITE : address.toString();
        try {
            if (!mark().equals(Optional.of(text))) {
                DurableFile.write(directory.path().resolve(MARK), text + "\n");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Empty if there is none, or only a part of one, without the end of its line: that is what a crash leaves of one. */
    private Optional<String> mark() {
        try {
            return DurableFile.read(directory.path().resolve(MARK))
                    .filter(text -> text.endsWith("\n"))
                    .map(String::strip);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Optional<String> owner() {
        Optional<String> marked = mark();
        if (marked.isPresent()) {
            return marked;
        }
        if (hasSqlite()) {
            return Optional.of(SQLITE);
        }
        // An identity alone is there also after a start whose database could not be reached; artifacts alone in a
        // gateway's directory; and a key alone where the operator has put it.
        boolean served = SERVERS_ALONE.stream().anyMatch(this::holdsSomething)
                || (has("identity") && (has("artifacts") || has("secrets.key")));
        return served
                ? Optional.of("a PostgreSQL database, as its files without an SQLite one show")
                : Optional.empty();
    }

    /** An empty folder may have been made by whoever prepares the first start, as for a disk of its own. */
    private boolean holdsSomething(String folder) {
        try (var entries = Files.list(directory.path().resolve(folder))) {
            return entries.anyMatch(entry -> !entry.endsWith("lost+found"));
        } catch (IOException e) {
            return false;
        }
    }

    private boolean has(String name) {
        return Files.exists(directory.path().resolve(name));
    }

    private boolean hasSqlite() {
        return has(Databases.SQLITE_FILE);
    }

    private static TidemillException refused(String message, String remedy) {
        return new TidemillException(ErrorCode.FAILED_PRECONDITION, message)
                .at("database")
                .remedy(remedy
                        + ". To begin anew all the same, with a database that knows neither users nor models, start"
                        + " once with TIDEMILL_DATABASE_TAKE_OVER=true");
    }
}
