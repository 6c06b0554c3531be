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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** Reads CSV files (RFC 4180), plain or gzipped, with a header. */
final class Csv {
    private Csv() {}

    /** All rows, each by column name. */
    static List<Map<String, String>> read(Path file) throws IOException {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(open(file), StandardCharsets.UTF_8))) {
            return read(reader, file.toString());
        }
    }

    /** All rows of what a reader gives, which is called so in messages. */
    static List<Map<String, String>> read(BufferedReader reader, String file) throws IOException {
        List<String> header = record(reader);
        var rows = new ArrayList<Map<String, String>>();
        List<String> fields;
        while (!(fields = record(reader)).isEmpty()) {
            if (fields.size() != header.size()) {
                throw new CliException(
                        Exit.FAILURE,
                        file + ", row " + (rows.size() + 2) + ": " + fields.size() + " fields where the header has "
                                + header.size());
            }
            var row = new LinkedHashMap<String, String>();
            for (int i = 0; i < header.size(); i++) {
                row.put(header.get(i), fields.get(i));
            }
            rows.add(row);
        }
        return rows;
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
            } else if (c == '"') {
                quoted = true;
            } else if (c == ',') {
                fields.add(field.toString());
                field.setLength(0);
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
