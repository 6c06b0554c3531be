package dev.tidemill.datasets.duckdb;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Passes a CSV (RFC 4180) on, with one kind of line end and without empty lines, and holds it to its shape: the first line is the
 * header, its names are different, and every row has as many fields. Rows are counted from 1, the header's.
 */
final class CsvShape extends OutputStream {
    private static final int LONGEST_HEADER = 1 << 20;

    private enum State {
        FIELD_START,
        PLAIN,
        QUOTED,
        AFTER_QUOTE
    }

    private final OutputStream out;
    private final String name;
    private final List<String> header = new ArrayList<>();
    private final ByteArrayOutputStream field = new ByteArrayOutputStream();
    private State state = State.FIELD_START;
    private long row = 1;
    private int fields;
    private int spaces;
    private boolean spacesAfterQuote;
    private boolean carriageReturn;

    /** @param name of the file, for what is refused */
    CsvShape(OutputStream out, String name) {
        this.out = out;
        this.name = name;
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
        for (int i = from; i < from + length; i++) {
            write(bytes[i]);
        }
    }

    @Override
    public void write(int value) throws IOException {
        byte next = (byte) value;
        if (state == State.QUOTED) {
            out.write(next);
            if (next == '"') {
                state = State.AFTER_QUOTE;
            } else {
                keep(next);
            }
            return;
        }
        boolean secondOfLineEnd = carriageReturn && next == '\n';
        carriageReturn = next == '\r';
        if (secondOfLineEnd) {
            return;
        }
        switch (next) {
            case ',' -> {
                endField();
                out.write(',');
            }
            case '\n', '\r' -> endRow();
            default -> inField(next);
        }
    }

    private void inField(byte next) throws IOException {
        if (state == State.AFTER_QUOTE) {
            afterQuote(next);
        } else if (state == State.FIELD_START && next == ' ') {
            spaces++;
        } else if (state == State.FIELD_START && next == '"') {
            spaces = 0;
            out.write(next);
            state = State.QUOTED;
        } else {
            giveSpaces();
            state = State.PLAIN;
            out.write(next);
            keep(next);
        }
    }

    private void afterQuote(byte next) throws IOException {
        if (next == '"' && !spacesAfterQuote) {
            out.write(next);
            keep(next);
            state = State.QUOTED;
        } else if (next == ' ') {
            spacesAfterQuote = true;
        } else {
            throw refused("row " + row + ", field " + (fields + 1) + ": text follows the quote that ends the field")
                    .remedy("A quote inside a quoted field is written twice");
        }
    }

    private void giveSpaces() throws IOException {
        for (; spaces > 0; spaces--) {
            out.write(' ');
            keep((byte) ' ');
        }
    }

    private void keep(byte next) {
        if (row == 1) {
            if (field.size() == LONGEST_HEADER) {
                throw refused("the header is longer than " + LONGEST_HEADER + " bytes");
            }
            field.write(next);
        }
    }

    private void endField() throws IOException {
        giveSpaces();
        fields++;
        if (row == 1) {
            header.add(field.toString(StandardCharsets.UTF_8).strip());
            field.reset();
        }
        state = State.FIELD_START;
        spacesAfterQuote = false;
    }

    private void endRow() throws IOException {
        boolean empty = fields == 0 && state == State.FIELD_START;
        if (row == 1 && empty) {
            throw refused("the first line is empty").remedy("A CSV file begins with a line of column names");
        }
        if (empty && header.size() != 1) {
            spaces = 0;
            return;
        }
        endField();
        if (row == 1) {
            nameColumns();
        } else if (fields != header.size()) {
            throw refused("row " + row + " has " + fields + (fields == 1 ? " field" : " fields") + ", the header "
                            + header.size())
                    .remedy("The first line of the file is its header (" + String.join(", ", header)
                            + "), and every row has as many fields; remove lines before the header, and put a field"
                            + " with a comma in quotes");
        }
        out.write('\n');
        row++;
        fields = 0;
    }

    /** A column without a name, such as the index of a data frame, is called by its place: {@code column0}. */
    private void nameColumns() {
        Map<String, Integer> places = new LinkedHashMap<>();
        for (int i = 0; i < header.size(); i++) {
            if (header.get(i).isEmpty()) {
                header.set(i, "column" + i);
            }
            // SQL knows no difference of case in names.
            Integer before = places.put(header.get(i).toLowerCase(Locale.ROOT), i);
            if (before != null) {
                String same = header.get(before).equals(header.get(i))
                        ? "'" + header.get(i) + "' is the name of the columns "
                        : "'" + header.get(before) + "' and '" + header.get(i)
                                + "', which differ in case only, are the names of the columns ";
                throw refused("in the header " + same + (before + 1) + " and " + (i + 1))
                        .remedy("Give every column a name of its own");
            }
        }
    }

    /** Ends the last row, which may have no line end. */
    void finish() throws IOException {
        if (state == State.QUOTED) {
            throw refused("row " + row + ": a quote is opened in field " + (fields + 1) + " and never closed");
        }
        if (fields > 0 || state != State.FIELD_START) {
            endRow();
        }
        if (row == 1) {
            throw new TidemillException(ErrorCode.INVALID_DATA, name + " is empty")
                    .remedy("A CSV file begins with a line of column names");
        }
        if (row == 2) {
            throw new TidemillException(ErrorCode.INVALID_DATA, name + " has a header but no rows");
        }
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }

    /** Names of the columns, in order. */
    List<String> header() {
        return List.copyOf(header);
    }

    private TidemillException refused(String what) {
        return new TidemillException(ErrorCode.INVALID_DATA, name + ", " + what);
    }
}
