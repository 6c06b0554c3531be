package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a replay has come to, month by month, as a table and as a picture. */
final class Report {
    private static final int WIDTH = 860;
    private static final int HEIGHT = 380;
    private static final int LEFT = 60;
    private static final int RIGHT = 130;
    private static final int TOP = 48;
    private static final int BOTTOM = 60;

    private final JsonNode months;

    Report(JsonNode answer) {
        this.months = answer.path("months");
    }

    double meanServed() {
        return mean("served");
    }

    private double mean(String series) {
        return months.valueStream()
                .mapToDouble(month -> month.path(series).asDouble())
                .average()
                .orElse(0);
    }

    private double most(String series) {
        return months.valueStream()
                .mapToDouble(month -> month.path(series).asDouble())
                .max()
                .orElse(0);
    }

    private long sum(String series) {
        return months.valueStream()
                .mapToLong(month -> month.path(series).asLong())
                .sum();
    }

    String table() {
        var text = new StringBuilder();
        text.append("month     predictions   frozen model   served model   retrainings   promotions   rejected\n");
        for (JsonNode month : months) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-9s %11d %14s %14s %13d %12d %10d%n",
                    month.path("month").asText(),
                    month.path("rows").asLong(),
                    error(month.path("baseline").asDouble()),
                    error(month.path("served").asDouble()),
                    month.path("retrainings").asLong(),
                    month.path("promotions").asLong(),
                    month.path("rejections").asLong()));
        }
        text.append(String.format(
                Locale.ROOT,
                "%-9s %11d %14s %14s %13d %12d %10d%n",
                "mean",
                sum("rows"),
                error(mean("baseline")),
                error(mean("served")),
                sum("retrainings"),
                sum("promotions"),
                sum("rejections")));
        return text.toString();
    }

    /** An error to three significant digits, and to one decimal at least. */
    static String error(double value) {
        int before = value == 0 || !Double.isFinite(value) ? 1 : (int) Math.floor(Math.log10(Math.abs(value))) + 1;
        return String.format(Locale.ROOT, "%." + Math.max(1, 3 - before) + "f", value);
    }

    /** A line chart in SVG: error by month, the frozen model in grey, the served one in blue, promotions marked. */
    String svg(String title) {
        double top = Math.max(1, Math.max(most("baseline"), most("served"))) * 1.1;
        var svg = new StringBuilder();
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"system-ui, sans-serif\""
                        + " font-size=\"12\">%n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>%n"
                        + "<text x=\"%d\" y=\"24\" font-size=\"15\" font-weight=\"600\" fill=\"#1c2430\">%s</text>%n",
                WIDTH,
                HEIGHT,
                LEFT,
                title));
        for (double value : ticks(top)) {
            svg.append(String.format(
                    Locale.ROOT,
                    "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e3e7ee\"/>"
                            + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#5b6675\">%.0f</text>%n",
                    LEFT,
                    WIDTH - RIGHT,
                    y(value, top),
                    y(value, top),
                    LEFT - 8,
                    y(value, top) + 4,
                    value));
        }
        for (int i = 0; i < months.size(); i++) {
            String month = months.get(i).path("month").asText();
            if (months.size() <= 12 || i % 3 == 0) {
                svg.append(String.format(
                        Locale.ROOT,
                        "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#5b6675\">%s</text>%n",
                        x(i),
                        HEIGHT - BOTTOM + 20,
                        month));
            }
            for (int k = 0; k < months.get(i).path("promotions").asInt(); k++) {
                svg.append(String.format(
                        Locale.ROOT,
                        "<path d=\"M %.1f %d l 5 9 h -10 z\" fill=\"#2f9e44\"><title>promotion</title></path>%n",
                        x(i) + 12 * k,
                        HEIGHT - BOTTOM + 28));
            }
        }
        line(svg, "baseline", top, "#868e96", "6 4", "frozen first model");
        line(svg, "served", top, "#1c7ed6", "none", "served model");
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%d\" y=\"%d\" fill=\"#5b6675\">mean absolute error by month; ▲ promotion</text>%n</svg>%n",
                LEFT,
                HEIGHT - 8));
        return svg.toString();
    }

    private void line(StringBuilder svg, String series, double top, String colour, String dash, String label) {
        var points = new StringBuilder();
        double last = 0;
        for (int i = 0; i < months.size(); i++) {
            last = months.get(i).path(series).asDouble();
            points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(i), y(last, top)));
        }
        svg.append(String.format(
                Locale.ROOT,
                "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" stroke-dasharray=\"%s\"/>"
                        + "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>%n",
                points.toString().strip(),
                colour,
                dash,
                x(months.size() - 1) + 8,
                y(last, top) + 4,
                colour,
                label));
    }

    private static List<Double> ticks(double top) {
        double step = Math.pow(10, Math.floor(Math.log10(top / 2)));
        while (top / step > 6) {
            step *= 2;
        }
        var ticks = new ArrayList<Double>();
        for (double value = 0; value <= top; value += step) {
            ticks.add(value);
        }
        return ticks;
    }

    private double x(int month) {
        return LEFT + (WIDTH - LEFT - RIGHT) * (months.size() < 2 ? 0.5 : (double) month / (months.size() - 1));
    }

    private static double y(double value, double top) {
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;
    }
}
