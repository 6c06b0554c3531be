package dev.tidemill.app;

import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.telemetry.Telemetry;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tells how much there is of what grows, as counted in the background at most every five minutes. Thread-safe. */
final class KeptMetrics {
    private final List<Kept> kept;
    private final Measured<Map<String, Long>> counted;

    KeptMetrics(List<Kept> kept, Clock clock) {
        this.kept = List.copyOf(kept);
        this.counted = new Measured<>("Numbers of what is kept", this::count, clock);
    }

    private Map<String, Long> count() {
        var counts = new LinkedHashMap<String, Long>();
        kept.forEach(entries -> counts.put(entries.name(), entries.entries()));
        return counts;
    }

    void publish(Telemetry telemetry) {
        for (Kept entries : kept) {
            telemetry.gauge(
                    "tidemill.kept." + entries.name().replace('-', '.'),
                    "About how many " + entries.name() + " are kept, counted at most every five minutes",
                    () -> counted.newest()
                            .map(finding -> (Number) finding.value().getOrDefault(entries.name(), 0L))
                            .orElse(Double.NaN));
        }
        telemetry.gauge(
                "tidemill.kept.age.seconds", "How long ago what is kept was counted", () -> counted.ageSeconds());
    }

    /**
     * For people: name, number and days; no number if it was never counted and is not within this time, no days where it is kept for
     * ever, no largest number where there is none.
     */
    List<Map<String, Object>> describe(Duration patience) {
        var counts = counted.newest(patience);
        return kept.stream()
                .map(entries -> {
                    Map<String, Object> view = new LinkedHashMap<>();
                    view.put("name", entries.name());
                    counts.ifPresent(finding -> {
                        view.put("entries", finding.value().getOrDefault(entries.name(), 0L));
                        view.put("countedAt", finding.at().toString());
                    });
                    entries.keep().map(Duration::toDays).ifPresent(days -> view.put("keepDays", days));
                    entries.most().ifPresent(most -> view.put("keepEntries", most));
                    return view;
                })
                .toList();
    }
}
