package dev.tidemill.app;

import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.telemetry.Telemetry;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tells how much there is of what grows. */
final class KeptMetrics {
    private KeptMetrics() {}

    static void publish(Telemetry telemetry, List<Kept> kept) {
        for (Kept entries : kept) {
            telemetry.gauge(
                    "tidemill.kept." + entries.name().replace('-', '.'),
                    "About how many " + entries.name() + " are kept",
                    entries::entries);
        }
    }

    /** For people: name, number and days; no days where it is kept for ever. */
    static Map<String, Object> describe(Kept entries) {
        var view = new LinkedHashMap<String, Object>();
        view.put("name", entries.name());
        view.put("entries", entries.entries());
        entries.keep().map(Duration::toDays).ifPresent(days -> view.put("keepDays", days));
        return view;
    }
}
