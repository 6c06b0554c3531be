package dev.tidemill.cli;

import java.util.ArrayList;
import java.util.List;

/** Rows in aligned columns, for people; numbers to the right. Not thread-safe. */
final class Columns {
    private static final int WIDEST = 60;

    private final List<List<String>> rows = new ArrayList<>();

    Columns(String... headings) {
        rows.add(List.of(headings));
    }

    void add(List<String> cells) {
        rows.add(cells);
    }

    /** Whether there is nothing but headings. */
    boolean isEmpty() {
        return rows.size() == 1;
    }

    void print() {
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        for (List<String> row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], shown(row.get(i)).length());
            }
        }
        for (List<String> row : rows) {
            var line = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                String cell = shown(row.get(i));
                String space = " ".repeat(widths[i] - cell.length());
                line.append(cell.matches("-?[\\d.,eE+-]+") ? space + cell : cell + space)
                        .append("  ");
            }
            System.out.println(line.toString().stripTrailing());
        }
    }

    /** Control characters would move the terminal's cursor. */
    private static String shown(String cell) {
        String clean = cell.replaceAll("\\p{Cntrl}", " ");
        return clean.length() <= WIDEST ? clean : clean.substring(0, WIDEST - 1) + "…";
    }

    /** A number of bytes as people read it. */
    static String bytes(long bytes) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(java.util.Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    }
}
