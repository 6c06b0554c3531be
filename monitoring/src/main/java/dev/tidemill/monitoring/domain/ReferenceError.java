package dev.tidemill.monitoring.domain;

import dev.tidemill.registry.domain.ModelVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The error that a champion's windows are held against: the metric {@code error} that it was registered with, measured on held-out
 * rows; for a version without one, as MLflow's clients register them, the mean over the labelled rows of its own first windows, which
 * stays as it was first found however many windows are removed for their age. Not thread-safe.
 */
final class ReferenceError {
    /** As many of its own windows measure a version. Those themselves are held against nothing. */
    static final int OWN_WINDOWS = 3;

    private final Optional<Double> registered;
    private final Supplier<Optional<Double>> before;
    private final Supplier<List<ClosedWindow>> closedBefore;
    private final List<ClosedWindow> first = new ArrayList<>();
    private Optional<Double> found = Optional.empty();
    private boolean read;

    /**
     * @param champion empty if it has been deleted
     * @param before what its newest window was held against; asked at most once
     * @param closedBefore the first {@link #OWN_WINDOWS} windows since it became champion that are {@linkplain #measures fit}; asked at most once
     */
    ReferenceError(
            Optional<ModelVersion> champion,
            Supplier<Optional<Double>> before,
            Supplier<List<ClosedWindow>> closedBefore) {
        this.registered = champion.map(version -> version.training().metrics().get("error"));
        this.before = before;
        this.closedBefore = closedBefore;
    }

    /** Whether a window tells how good its version is: its error is known and its data are whole. */
    static boolean measures(ClosedWindow window) {
        return window.error().isPresent() && !window.broken();
    }

    /** What the next window is held against; empty while too few have closed. */
    Optional<Double> now() {
        if (registered.isPresent()) {
            return registered;
        }
        read();
        if (found.isPresent() || first.size() < OWN_WINDOWS) {
            return found;
        }
        double loss = 0;
        long labelled = 0;
        for (ClosedWindow window : first) {
            loss += window.error().orElseThrow() * window.labelled();
            labelled += window.labelled();
        }
        found = Optional.of(loss / labelled);
        return found;
    }

    /** Takes notice of a window of this champion, in order of time. */
    void closed(ClosedWindow window) {
        if (registered.isEmpty()) {
            read();
            if (found.isEmpty() && first.size() < OWN_WINDOWS && measures(window)) {
                first.add(window);
            }
        }
    }

    private void read() {
        if (!read) {
            found = before.get();
            if (found.isEmpty()) {
                first.addAll(closedBefore.get());
            }
            read = true;
        }
    }
}
