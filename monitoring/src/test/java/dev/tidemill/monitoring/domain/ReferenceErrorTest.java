package dev.tidemill.monitoring.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.VersionId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class ReferenceErrorTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private static Optional<ModelVersion> version(Map<String, Double> metrics) {
        return Optional.of(new ModelVersion(
                new VersionId("p", "m", 1),
                ModelVersion.Stage.NONE,
                "",
                new ModelVersion.Origin("", "", "", Optional.empty(), "", "user:ada"),
                ModelVersion.Contents.ELSEWHERE,
                new ModelVersion.Training(Optional.empty(), metrics, Map.of(), List.of(), "", "", Optional.empty()),
                Map.of(),
                START,
                START));
    }

    private static ClosedWindow window(int day, long labelled, Optional<Double> error, boolean broken) {
        Instant start = START.plus(Duration.ofDays(day));
        return new ClosedWindow(
                start,
                start.plus(Duration.ofDays(1)),
                1,
                100,
                labelled,
                error,
                Optional.empty(),
                false,
                broken,
                List.of(),
                Map.of(),
                Map.of());
    }

    private static ClosedWindow window(int day, long labelled, double error) {
        return window(day, labelled, Optional.of(error), false);
    }

    @Test
    void theRegisteredErrorCountsAndNoWindowIsAskedFor() {
        Supplier<List<ClosedWindow>> nobodyAsks = () -> {
            throw new AssertionError("no window is needed");
        };
        var reference = new ReferenceError(version(Map.of("error", 0.25)), Optional::empty, nobodyAsks);
        reference.closed(window(0, 10, 7));
        assertThat(reference.now()).contains(0.25);
    }

    @Test
    void theMeanOverTheLabelledRowsOfTheFirstWindowsCountsOtherwise() {
        var reference = new ReferenceError(version(Map.of("rmse", 3.0)), Optional::empty, List::of);
        var seen = new ArrayList<Optional<Double>>();
        for (ClosedWindow window : List.of(
                window(0, 10, 1),
                window(1, 0, Optional.empty(), false),
                window(2, 90, Optional.of(50.0), true),
                window(3, 30, 2),
                window(4, 60, 4),
                window(5, 60, 100))) {
            seen.add(reference.now());
            reference.closed(window);
        }
        seen.add(reference.now());
        Optional<Double> none = Optional.empty();
        Optional<Double> mean = Optional.of((10 * 1 + 30 * 2 + 60 * 4) / 100.0);
        assertThat(seen).containsExactly(none, none, none, none, none, mean, mean);
    }

    @Test
    void windowsThatClosedEarlierCountFirst() {
        var reference = new ReferenceError(
                version(Map.of()), Optional::empty, () -> List.of(window(0, 10, 1), window(1, 10, 1)));
        assertThat(reference.now()).isEmpty();
        reference.closed(window(2, 10, 4));
        reference.closed(window(3, 10, 4));
        assertThat(reference.now()).contains(2.0);
    }

    /** The first windows may have been removed for their age; those that are left are no measure of it. */
    @Test
    void whatTheNewestWindowWasHeldAgainstStays() {
        var reference = new ReferenceError(
                version(Map.of()),
                () -> Optional.of(2.0),
                () -> List.of(window(30, 10, 7), window(31, 10, 8), window(32, 10, 9)));
        assertThat(reference.now()).contains(2.0);
        reference.closed(window(33, 10, 40));
        assertThat(reference.now()).contains(2.0);
    }
}
