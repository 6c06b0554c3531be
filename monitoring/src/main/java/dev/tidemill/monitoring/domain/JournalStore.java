package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.inference.domain.Prediction;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Keeps predictions and their labels. All methods join the caller's unit of work; nothing reads without a limit. */
public interface JournalStore {
    /** A row's place in the order of event time and id. */
    record Position(Instant eventTime, String id) {}

    /** Rows of a deployment in an interval of event time, its end exclusive. */
    record Range(String project, String deployment, Instant from, Instant until) {}

    /** What labels are compared with. */
    record Answered(
            String id,
            Instant eventTime,
            int championVersion,
            List<Double> champion,
            List<Double> challenger,
            boolean labelled) {}

    /** A label with the losses that it tells. */
    record Labelled(String id, String label, Optional<Double> championLoss, Optional<Double> challengerLoss) {}

    /**
     * Makes predictions ready to be written, outside of any unit of work. What it gives writes them, with the causes by
     * which some are quarantined, by deployment and id; those whose id is known are left out.
     */
    Consumer<Map<Prediction, Quarantine>> prepare(List<Prediction> batch);

    /** The rows of these ids, as far as there are any. */
    List<Answered> answered(String project, String deployment, Collection<String> ids);

    /** Sets labels of rows that have none yet; how many that were. */
    int label(String project, String deployment, List<Labelled> labels, Instant at);

    /** Believed rows in order, those after a position. */
    List<JournalRow> page(Range range, Optional<Position> after, int limit);

    /** Rows, quarantined ones too, newest first, those before a position. */
    List<JournalRow> newest(Range range, Optional<Position> before, int limit);

    long count(Range range);

    /** On how many rows a challenger was asked, and on how many of them it failed. */
    Reliability reliability(Range range, int challenger);

    /** Believes those again that were held as far ahead, up to an event time. */
    void release(String project, String deployment, Instant until);

    /** Holds those after an event time as far ahead. */
    void quarantine(String project, String deployment, Instant after);

    /** Deletes predictions that were received before a time, the oldest first; how many. */
    int deleteReceivedBefore(Instant time, int limit);
}
