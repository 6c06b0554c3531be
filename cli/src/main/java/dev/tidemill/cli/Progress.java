package dev.tidemill.cli;

import java.io.PrintStream;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.Locale;

/**
 * Tells on standard error how far long work is: one line that is drawn again on a terminal, now and then a new line
 * elsewhere. Not thread-safe.
 */
final class Progress {
    private static final int WIDTH = 28;
    private static final Duration REDRAW = Duration.ofMillis(100);
    private static final Duration LINES = Duration.ofSeconds(5);

    private final PrintStream out = System.err;
    private final boolean terminal =
            System.console() != null && System.console().isTerminal() && System.getenv("NO_COLOR") == null;
    private final String title;
    private final long started = System.nanoTime();
    private long lastDrawn;

    Progress(String title) {
        this.title = title;
        if (!terminal) {
            out.println(title);
        }
    }

    void update(long done, long total, String note) {
        long now = System.nanoTime();
        if (now - lastDrawn < (terminal ? REDRAW : LINES).toNanos()) {
            return;
        }
        lastDrawn = now;
        String line = line(done, total, note);
        if (terminal) {
            out.print("\r\033[2K" + line);
            out.flush();
        } else {
            out.println("  " + line);
        }
    }

    private String line(long done, long total, String note) {
        double share = total <= 0 ? 0 : Math.min(1, (double) done / total);
        double seconds = (System.nanoTime() - started) / 1e9;
        String left =
                share > 0.02 && share < 1 ? String.format(Locale.ROOT, ", %.0f s left", seconds / share - seconds) : "";
        return String.format(
                        Locale.ROOT,
                        "%-9s %s %3.0f %%  %s%s",
                        terminal ? title : "",
                        bar(share, out.charset()),
                        share * 100,
                        note,
                        left)
                .strip();
    }

    /** A share as a bar, of characters that the terminal's character set has. */
    static String bar(double share, Charset charset) {
        int filled = (int) (share * WIDTH);
        boolean blocks = charset.newEncoder().canEncode("█░");
        return (blocks ? "█" : "#").repeat(filled) + (blocks ? "░" : "-").repeat(WIDTH - filled);
    }

    void done(String result) {
        double seconds = (System.nanoTime() - started) / 1e9;
        String mark = out.charset().newEncoder().canEncode("✓") ? "✓ " : "ok ";
        String line =
                String.format(Locale.ROOT, "%s  %s (%.1f s)", terminal ? mark + title : "  done:", result, seconds);
        out.println((terminal ? "\r\033[2K" : "") + line);
    }
}
