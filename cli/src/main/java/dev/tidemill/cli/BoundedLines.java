package dev.tidemill.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Lines of UTF-8, each with an end: a file or an answer may hold one that does not fit into memory. Ends with LF or CRLF; bytes that
 * are no UTF-8 are replaced. Read by one thread.
 */
final class BoundedLines implements AutoCloseable {
    private final InputStream from;
    private final int most;
    private long number;

    /** @param most bytes of a line */
    BoundedLines(InputStream from, int most) {
        this.from = new BufferedInputStream(from);
        this.most = most;
    }

    /** A line is too long; what follows cannot be read. */
    static final class TooLong extends IOException {
        private static final long serialVersionUID = 1L;

        TooLong(long number, int most) {
            super("line " + number + " has more than " + most + " bytes");
        }
    }

    /** The next line; empty after the last one. */
    Optional<String> next() throws IOException {
        number++;
        var line = new ByteArrayOutputStream();
        int one;
        while ((one = from.read()) >= 0 && one != '\n') {
            if (line.size() == most) {
                throw new TooLong(number, most);
            }
            line.write(one);
        }
        if (one < 0 && line.size() == 0) {
            return Optional.empty();
        }
        String text = line.toString(StandardCharsets.UTF_8);
        return Optional.of(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text);
    }

    @Override
    public void close() throws IOException {
        from.close();
    }
}
