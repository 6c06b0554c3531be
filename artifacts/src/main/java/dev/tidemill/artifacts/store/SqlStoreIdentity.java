package dev.tidemill.artifacts.store;

import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.Database;
import java.util.Optional;
import java.util.function.Supplier;

/** What tells a database from every other one, made when it is first asked for. Thread-safe. */
public final class SqlStoreIdentity implements Supplier<String> {
    /** The table that holds it. */
    public static final String TABLE = "blob_store";

    private final Database database;
    private volatile Optional<String> told = Optional.empty();

    public SqlStoreIdentity(Database database) {
        this.database = database;
    }

    @Override
    public String get() {
        if (told.isEmpty()) {
            told = Optional.of(make());
        }
        return told.orElseThrow();
    }

    private String make() {
        Optional<String> known = read();
        if (known.isEmpty()) {
            database.writing(handle -> handle.createUpdate(
                            "INSERT INTO blob_store (name, id) VALUES ('bucket', :id) ON CONFLICT (name) DO NOTHING")
                    .bind("id", Ids.next())
                    .execute());
            known = read();
        }
        return known.orElseThrow();
    }

    private Optional<String> read() {
        return database.reading(handle -> handle.createQuery("SELECT id FROM blob_store WHERE name = 'bucket'")
                .mapTo(String.class)
                .findOne());
    }

    /** Notes where the bucket is that is this database's. */
    public void note(String place) {
        get();
        database.writing(handle -> handle.createUpdate(
                        "UPDATE blob_store SET place = :place WHERE name = 'bucket' AND place <> :place")
                .bind("place", place)
                .execute());
    }

    /** Where the bucket is that belongs to this database, empty if that was not noted; none for a database that has none. */
    public Optional<String> bucket() {
        return database.reading(handle -> handle.createQuery("SELECT place FROM blob_store WHERE name = 'bucket'")
                .mapTo(String.class)
                .findOne());
    }

    /** Makes a restored database another one than that whose backup it was made of, which may have its bucket still. */
    public void renew() {
        database.writing(handle -> handle.execute("DELETE FROM blob_store"));
        told = Optional.empty();
    }
}
