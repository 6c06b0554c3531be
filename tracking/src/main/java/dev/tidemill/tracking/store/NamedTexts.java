package dev.tidemill.tracking.store;

import java.util.Map;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * A table of texts by owner, kind and name, such as a trace's tags and metadata.
 *
 * @param table the table's name
 * @param owner the column that says whose texts they are
 */
record NamedTexts(String table, String owner) {
    /** Stores texts; one of the same kind and name is replaced. Gives how many rows each of them changed. */
    int[] put(Handle handle, Object whose, String kind, Map<String, String> texts) {
        PreparedBatch batch = handle.prepareBatch("INSERT INTO " + table + " (" + owner + ", kind, name, value)"
                + " VALUES (:whose, :kind, :name, :value)"
                + " ON CONFLICT (" + owner + ", kind, name) DO UPDATE SET value = excluded.value");
        // In one order for all writers, so that two of them never wait for each other.
        new TreeMap<>(texts)
                .forEach((name, value) -> batch.bind("whose", whose)
                        .bind("kind", kind)
                        .bind("name", name)
                        .bind("value", value)
                        .add());
        return batch.execute();
    }
}
