package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.definitions.Suggestions;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Reads a CSV file, maps it, checks every row, and writes it. A file with any bad row is refused as a whole. */
public final class ImportCsvTask implements ChildTask {
    private static final long MOST_BYTES = 20L * 1024 * 1024 * 1024;
    /** Tables fold to a third or a twentieth; what unfolds to more than this many times its size is none. */
    private static final long MOST_UNFOLDED = 200;

    private static final long ALWAYS_UNFOLDED = 1L << 28;

    @Override
    public String name() {
        return "datasets.import-csv";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        DataSet dataSet = Json.read(request.path("dataSet").toString(), DataSet.class);
        DataSet.Source source = dataSet.source().orElseThrow();
        Path target = Path.of(request.path("target").asText());
        Path plain = Files.createTempFile("import", ".csv");
        try (DuckDb db = new DuckDb()) {
            List<String> header = unpack(Path.of(request.path("csv").asText()), plain, source.path());
            report.log("header: " + String.join(", ", header));
            db.confineTo(List.of(plain, target));
            load(db, plain, header, source.path());
            map(db, dataSet, source);
            DataRules.check(db, dataSet);
            source.until().ifPresent(until -> keepBefore(db, dataSet, until));
            String order = dataSet.time()
                    .map(time -> " ORDER BY " + DuckDb.identifier(time))
                    .orElse("");
            ObjectNode written = ParquetFiles.write(db, "mapped", order, target);
            written.set("summary", Summaries.of(db, "mapped"));
            report.log(written.path("rows") + " rows passed every check");
            return written;
        } finally {
            Files.deleteIfExists(plain);
        }
    }

    /** Copies the file, unpacked, making sure that it is text in UTF-8 and has the shape of a CSV; returns its columns. */
    private static List<String> unpack(Path csv, Path plain, String name) throws IOException {
        var decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        long size = 0;
        long line = 1;
        long most = Math.min(MOST_BYTES, Math.max(ALWAYS_UNFOLDED, MOST_UNFOLDED * Files.size(csv)));
        try (InputStream in = open(csv);
                var out = new CsvShape(new BufferedOutputStream(Files.newOutputStream(plain), 1 << 16), name)) {
            byte[] buffer = new byte[256 * 1024];
            int kept = 0;
            int read;
            while ((read = in.read(buffer, kept, buffer.length - kept)) >= 0) {
                int length = kept + read;
                var bytes = ByteBuffer.wrap(buffer, 0, length);
                var chars = java.nio.CharBuffer.allocate(length);
                var result = decoder.decode(bytes, chars, false);
                if (result.isError()) {
                    throw wrongEncoding(name, line + newLines(buffer, bytes.position()));
                }
                line += newLines(buffer, bytes.position());
                out.write(buffer, 0, bytes.position());
                size += bytes.position();
                if (size > most) {
                    throw new TidemillException(ErrorCode.TOO_LARGE, name + " unfolds to more than " + most + " bytes")
                            .remedy("Import it in parts");
                }
                kept = length - bytes.position();
                System.arraycopy(buffer, bytes.position(), buffer, 0, kept);
            }
            if (kept > 0) {
                throw wrongEncoding(name, line);
            }
            out.finish();
            return out.header();
        } catch (CharacterCodingException e) {
            throw wrongEncoding(name, line);
        } catch (EOFException | ZipException e) {
            throw new TidemillException(
                            ErrorCode.INVALID_DATA,
                            name + " is damaged: it cannot be unpacked beyond line " + line + " (" + e.getMessage()
                                    + ")")
                    .remedy("Pack and send it again");
        }
    }

    private static long newLines(byte[] bytes, int length) {
        long count = 0;
        for (int i = 0; i < length; i++) {
            if (bytes[i] == '\n') {
                count++;
            }
        }
        return count;
    }

    private static TidemillException wrongEncoding(String name, long line) {
        return new TidemillException(ErrorCode.INVALID_DATA, name + " is not UTF-8 text (line " + line + ")")
                .remedy("Convert it, for example: iconv -f LATIN1 -t UTF-8");
    }

    private static InputStream open(Path csv) throws IOException {
        var in = new BufferedInputStream(Files.newInputStream(csv));
        in.mark(2);
        boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
        in.reset();
        return withoutMark(gzip ? new BufferedInputStream(new GZIPInputStream(in)) : in);
    }

    /** Without the mark that some programs begin a text in UTF-8 with. */
    private static InputStream withoutMark(BufferedInputStream in) throws IOException {
        in.mark(3);
        if (in.read() != 0xef || in.read() != 0xbb || in.read() != 0xbf) {
            in.reset();
        }
        return in;
    }

    /** All columns as text first. Nothing is guessed: the file has been held to its shape already. */
    private static void load(DuckDb db, Path plain, List<String> header, String name) {
        var columns = header.stream()
                .map(column -> DuckDb.literal(column) + ": 'VARCHAR'")
                .toList();
        try {
            db.execute("CREATE TABLE source AS SELECT * FROM read_csv(" + DuckDb.literal(plain.toString())
                    + ", header = true, auto_detect = false, strict_mode = true, null_padding = false, delim = ',',"
                    + " quote = '\"', escape = '\"', new_line = '\\n', columns = {" + String.join(", ", columns)
                    + "})");
        } catch (SQLException e) {
            throw new TidemillException(
                            ErrorCode.INVALID_DATA,
                            name + " cannot be read: " + DuckDb.firstLines(e).replace(plain.toString(), name))
                    .causedBy(e);
        }
    }

    /** What a header looks like whose columns are separated by something else than commas. */
    private static String separated(List<String> found) {
        return found.size() != 1
                ? ""
                : Stream.of(";", "\t", "|")
                        .filter(found.getFirst()::contains)
                        .findFirst()
                        .map(by -> ". Its columns seem to be separated by '" + by.replace("\t", "\\t")
                                + "'; columns are separated by commas")
                        .orElse("");
    }

    private static void map(DuckDb db, DataSet dataSet, DataSet.Source source) throws SQLException {
        String mapping = source.sql().orElse("SELECT * FROM source");
        db.make("CREATE TABLE raw AS", mapping, "The mapping SQL of " + source.path());
        var found = db.describe("raw").stream().map(DuckDb.ResultColumn::name).toList();
        for (Column column : dataSet.columns()) {
            if (!found.contains(column.name())) {
                throw new TidemillException(
                                ErrorCode.INVALID_DATA,
                                source.path() + " has no column '" + column.name() + "'"
                                        + Suggestions.nearest(column.name(), found)
                                                .map(near -> "; did you mean '" + near + "'?")
                                                .orElse(""))
                        .at(column.name())
                        .remedy("It has: " + String.join(", ", found) + separated(found));
            }
        }
        var select = new ArrayList<String>();
        for (Column column : dataSet.columns()) {
            String id = DuckDb.identifier(column.name());
            requireConvertible(db, column, source.path());
            select.add(Conversions.cast(text(id, column), column.type()) + " AS " + id);
        }
        db.execute("CREATE TABLE mapped AS SELECT " + String.join(", ", select) + " FROM raw");
    }

    /** An empty field is a missing value, whatever the column's type. */
    private static String text(String id, Column column) {
        return column.type() == ColumnType.TEXT ? id : "NULLIF(CAST(" + id + " AS VARCHAR), '')";
    }

    private static void requireConvertible(DuckDb db, Column column, String file) throws SQLException {
        String id = DuckDb.identifier(column.name());
        String value = text(id, column);
        String why = Conversions.why(value, column.type());
        var bad = db.rows(
                "SELECT rn + 2 AS line, CAST(v AS VARCHAR) AS v, why FROM (SELECT row_number() OVER () - 1 AS rn, " + id
                        + " AS v, (" + why + ") AS why FROM raw) WHERE why IS NOT NULL LIMIT 1");
        if (!bad.isEmpty()) {
            throw new TidemillException(
                            ErrorCode.INVALID_DATA,
                            file + ", row " + bad.getFirst().path("line").asLong() + ": '"
                                    + bad.getFirst().path("v").asText() + "' in column '" + column.name() + "' "
                                    + bad.getFirst().path("why").asText())
                    .at(column.name());
        }
    }

    private static void keepBefore(DuckDb db, DataSet dataSet, java.time.Instant until) {
        String time = DuckDb.identifier(dataSet.time().orElseThrow());
        db.executeUsers(
                "DELETE FROM mapped WHERE " + time + " >= TIMESTAMP "
                        + DuckDb.literal(until.toString().replace("Z", "")),
                "The limit 'until'");
    }
}
