package dev.tidemill.statistics;

import java.util.Locale;

/** Numbers for people. */
final class Numbers {
    private Numbers() {}

    /** At most four significant digits, without trailing zeros. */
    static String brief(double value) {
        String text = String.format(Locale.ROOT, "%.4g", value);
        return text.contains(".") && !text.contains("e")
                ? text.replaceAll("0+$", "").replaceAll("\\.$", "")
                : text;
    }
}
