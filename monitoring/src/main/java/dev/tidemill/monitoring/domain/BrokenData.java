package dev.tidemill.monitoring.domain;

import java.util.Locale;
import java.util.stream.Collectors;

/** Says of a broken window what is wrong with it, and what to do, in the same words wherever it is told. */
final class BrokenData {
    private static final int MOST_COLUMNS = 5;
    static final String REMEDY =
            "Mend what sends these columns: the next window without the fault ends this. If they stay as they are,"
                    + " offer a version that was trained on such data, or raise 'missing-rise' of the monitor";

    private BrokenData() {}

    /** Why a window is broken; its columns are named, the worst first. */
    static String reason(ClosedWindow window) {
        String columns = window.faults().stream()
                .limit(MOST_COLUMNS)
                .map(fault -> String.format(
                        Locale.ROOT,
                        "'%s' is missing or of another type in %.1f %% of its %d rows, in the reference in %.1f %%",
                        fault.column(),
                        100 * fault.missing(),
                        window.rows(),
                        100 * fault.reference()))
                .collect(Collectors.joining("; "));
        int more = window.faults().size() - MOST_COLUMNS;
        return "the window from " + window.startsAt() + " to " + window.endsAt()
                + " is broken, and while the newest window is,"
                + " nothing is retrained"
                + (columns.isEmpty() ? "" : ": " + columns)
                + (more > 0 ? "; and " + more + " more columns" : "");
    }
}
