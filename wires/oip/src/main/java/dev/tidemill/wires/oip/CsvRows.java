package dev.tidemill.wires.oip;

import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Comma-separated values (RFC 4180) with a line of names. An empty value is missing. What a
 * column holds is what the model takes; of a model that does not say, numbers if every value that is there is one, as pandas reads it.
 * Every line is a row: in a table of one column one without anything is a missing value, in a wider one it is skipped.
 * A first column without a name holds the numbers of the rows and is left out.
 */
final class CsvRows {
    /** Spreadsheets begin a file with it; it is no part of the first name. */
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private CsvRows() {}

    static List<Tensor> read(byte[] body) {
        List<List<String>> lines = lines(text(body));
        if (lines.size() < 2) {
            throw TidemillException.invalid("body", "The body must have a line of column names and at least one row");
        }
        List<String> names = lines.getFirst();
        Set<String> known = new HashSet<>();
        List<Tensor> columns = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            List<@Nullable String> column = new ArrayList<>();
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
            if (!known.add(name)) {
                throw TidemillException.invalid("body", "There are two columns named '" + name + "'");
            }
            // pandas writes the numbers of the rows before the columns, without a name.
            if (i > 0 || !name.isEmpty()) {
                columns.add(ColumnValues.written(name, column));
            }
        }
        if (columns.isEmpty()) {
            throw TidemillException.invalid("body", "The line of column names has none");
        }
        return columns;
    }

    /** Bytes that are no text are refused: what is put in their place would be predicted from. */
    private static String text(byte[] body) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
            return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw TidemillException.invalid("body", "The body is not UTF-8").causedBy(e);
        }
    }

    private static List<List<String>> lines(String text) {
        List<List<String>> lines = new ArrayList<>();
        List<String> line = new ArrayList<>();
        var value = new StringBuilder();
        boolean quoted = false;
        // A line is blank until something is in it, be it an empty value in quotes.
        boolean blank = true;
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
                blank = false;
            } else if (c == ',') {
                line.add(value.toString());
                value.setLength(0);
                blank = false;
            } else if (c == '\n') {
                line.add(value.toString());
                value.setLength(0);
                // There is no table before its line of names.
                boolean row =
                        lines.isEmpty() ? !blank : !blank || lines.getFirst().size() == 1;
                if (row) {
                    lines.add(line);
                }
                line = new ArrayList<>();
                blank = true;
            } else if (c != '\r') {
                value.append(c);
                blank = false;
            }
        }
        if (quoted) {
            throw TidemillException.invalid("body", "A quoted value of the body does not end");
        }
        if (!blank) {
            line.add(value.toString());
            lines.add(line);
        }
        return lines;
    }
}
