package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Writes a relation as Parquet with Iceberg's field ids, and tells what has been written. */
final class ParquetFiles {
    private ParquetFiles() {}

    /** Columns get their ids by position, as the table's schema gives them. */
    static ObjectNode write(DuckDb db, String relation, String order, Path target) throws SQLException, IOException {
        List<DuckDb.ResultColumn> columns = db.describe(relation);
        var select = new ArrayList<String>();
        var ids = new ArrayList<String>();
        for (int i = 0; i < columns.size(); i++) {
            String name = DuckDb.identifier(columns.get(i).name());
            select.add("CAST(" + name + " AS " + columns.get(i).type().sql() + ") AS " + name);
            ids.add(name + ": " + (i + 1));
        }
        db.execute("COPY (SELECT " + String.join(", ", select) + " FROM " + relation + order + ") TO "
                + DuckDb.literal(target.toString()) + " (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {"
                + String.join(", ", ids) + "})");
        ObjectNode written = Json.object();
        written.put("rows", db.count("SELECT COUNT(*) FROM " + relation));
        written.put("bytes", Files.size(target));
        written.put("digest", digest(target));
        var list = written.putArray("columns");
        columns.forEach(column -> list.addObject()
                .put("name", column.name())
                .put("type", column.type().name()));
        return written;
    }

    private static String digest(Path file) throws IOException {
        MessageDigest digest = Ids.sha256Digest();
        try (InputStream in = Files.newInputStream(file)) {
            byte[] buffer = new byte[64 * 1024];
            int read;
            while ((read = in.read(buffer)) > 0) {
                digest.update(buffer, 0, read);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
