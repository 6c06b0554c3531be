package dev.tidemill.inference.api;

import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Comma-separated values (RFC 4180) with a line of names. A column is numeric if every value that is there is a number; an
 * empty value is missing.
 */
final class CsvRows {
    private CsvRows() {}

    static List<Tensor> read(byte[] body) {
        List<List<String>> lines = lines(new String(body, StandardCharsets.UTF_8));
        if (lines.size() < 2) {
            throw TidemillException.invalid("body", "The body must have a line of column names and at least one row");
        }
        List<String> names = lines.getFirst();
        Map<String, List<@Nullable Object>> columns = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            List<@Nullable Object> column = new ArrayList<>();
            for (int row = 1; row < lines.size(); row++) {
                if (lines.get(row).size() != names.size()) {
                    throw TidemillException.invalid(
                            "body",
                            "Row " + row + " has " + lines.get(row).size() + " values; there are " + names.size()
                                    + " columns");
                }
                String text = lines.get(row).get(i);
                column.add(text.isEmpty() ? null : text);
            }
            columns.put(names.get(i), typed(column));
        }
        return RowsJson.columns(columns);
    }

    private static List<@Nullable Object> typed(List<@Nullable Object> column) {
        List<@Nullable Object> numbers = new ArrayList<>();
        for (Object value : column) {
            if (value == null) {
                numbers.add(null);
                continue;
            }
            String text = value.toString();
            try {
                numbers.add(text.matches("[+-]?\\d{1,18}") ? (Object) Long.parseLong(text) : Double.valueOf(text));
            } catch (NumberFormatException e) {
                return column;
            }
        }
        return numbers;
    }

    private static List<List<String>> lines(String text) {
        List<List<String>> lines = new ArrayList<>();
        List<String> line = new ArrayList<>();
        var value = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quoted) {
                if (c != '"') {
                    value.append(c);
                } else if (i + 1 < text.length() && text.charAt(i + 1) == '"') {
                    value.append('"');
                    i++;
                } else {
                    quoted = false;
                }
            } else if (c == '"' && value.isEmpty()) {
                quoted = true;
            } else if (c == ',') {
                line.add(value.toString());
                value.setLength(0);
            } else if (c == '\n') {
                line.add(value.toString());
                value.setLength(0);
                lines.add(line);
                line = new ArrayList<>();
            } else if (c != '\r') {
                value.append(c);
            }
        }
        if (quoted) {
            throw TidemillException.invalid("body", "A quoted value of the body does not end");
        }
        if (!value.isEmpty() || !line.isEmpty()) {
            line.add(value.toString());
            lines.add(line);
        }
        lines.removeIf(one -> one.size() == 1 && one.getFirst().isEmpty());
        return lines;
    }
}
