package dev.tidemill.cli;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** Reads CSV files (RFC 4180), plain or gzipped, with a header. */
final class Csv {
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private Csv() {}

    /** All rows, each by column name. */
    static List<Map<String, String>> read(Path file) throws IOException {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(open(file), StandardCharsets.UTF_8))) {
            return read(reader, file.toString());
        }
    }

    /** All rows of what a reader gives, which is called so in messages. */
    static List<Map<String, String>> read(BufferedReader reader, String file) throws IOException {
        List<String> header = header(record(reader), file);
        var rows = new ArrayList<Map<String, String>>();
        List<String> fields;
        while (!(fields = record(reader)).isEmpty()) {
            if (fields.size() == 1 && fields.getFirst().isBlank() && header.size() > 1) {
                continue; // an empty line
            }
            if (fields.size() != header.size()) {
                throw new CliException(
                        Exit.FAILURE,
                        file + ", row " + (rows.size() + 2) + " has " + fields.size()
                                + (fields.size() == 1 ? " field" : " fields") + ", the header " + header.size());
            }
            var row = new LinkedHashMap<String, String>();
            for (int i = 0; i < header.size(); i++) {
                row.put(header.get(i), fields.get(i));
            }
            rows.add(row);
        }
        return rows;
    }

    /** Names as the server's import takes them: no two alike, which differ in more than case. */
    private static List<String> header(List<String> fields, String file) {
        var header = new ArrayList<String>();
        var known = new HashSet<String>();
        for (String field : fields) {
            String name = (header.isEmpty() && field.startsWith(BYTE_ORDER_MARK) ? field.substring(1) : field).strip();
            if (!known.add(name.toLowerCase(Locale.ROOT))) {
                throw new CliException(Exit.FAILURE, file + " has two columns of the name '" + name + "'");
            }
            header.add(name);
        }
        return header;
    }

    private static InputStream open(Path file) throws IOException {
        var in = new BufferedInputStream(Files.newInputStream(file));
        in.mark(2);
        boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
        in.reset();
        return gzip ? new GZIPInputStream(in) : in;
    }

    /** One record, which may span lines inside quotes; empty at the end of the file. */
    private static List<String> record(BufferedReader reader) throws IOException {
        var fields = new ArrayList<String>();
        var field = new StringBuilder();
        boolean quoted = false;
        boolean begun = false;
        boolean any = false;
        int c;
        while ((c = reader.read()) >= 0) {
            any = true;
            if (quoted) {
                if (c != '"') {
                    field.append((char) c);
                } else {
                    reader.mark(1);
                    if (reader.read() == '"') {
                        field.append('"');
                    } else {
                        reader.reset();
                        quoted = false;
                    }
                }
            } else if (c == '"' && !begun && field.toString().isBlank()) {
                field.setLength(0);
                quoted = true;
                begun = true;
            } else if (c == ',') {
                fields.add(field.toString());
                field.setLength(0);
                begun = false;
            } else if (c == '\n') {
                break;
            } else if (c != '\r') {
                field.append((char) c);
            }
        }
        if (any) {
            fields.add(field.toString());
        }
        return fields;
    }
}
