package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.platform.search.Portion;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Keeps predictions and their labels. All methods join the caller's unit of work; nothing reads without a limit. */
public interface JournalStore {
    /** Rows that are read at a time where all of a range are. */
    int PAGE = 2_000;
    /** Rows that one unit of work writes: what it takes, its neighbours wait. */
    int BATCH = 500;

    /** A row's place in the order of event time and id. */
    record Position(Instant eventTime, String id) {}

    /** Rows of a deployment in an interval of event time, its end exclusive. */
    record Range(String project, String deployment, Instant from, Instant until) {}

    /**
     * What labels are compared with.
     *
     * @param label of the row, if it has one
     * @param reused whether its id stands for another answer too, which is not journalled
     */
    record Answered(
            String id,
            Instant eventTime,
            int championVersion,
            List<Object> champion,
            Optional<Integer> challengerVersion,
            List<Object> challenger,
            Optional<String> label,
            boolean reused) {}

    /** A label with the losses that it tells. */
    record Labelled(
            String id, String label, Optional<MeasuredLoss> championLoss, Optional<MeasuredLoss> challengerLoss) {}

    /** Predictions that are ready to be written. */
    interface Prepared {
        /**
         * Writes them. Those whose id is known are left out; where the features are others, that is noted of the one that is
         * there.
         *
         * @param quarantined the causes by which some are quarantined
         */
        PredictionSink.Taken write(Map<Prediction, Quarantine> quarantined);
    }

    /** Makes predictions ready to be written, outside of any unit of work. */
    Prepared prepare(List<Prediction> batch);

    /** Those of the ids that have rows. */
    Set<String> known(String project, String deployment, Collection<String> ids);

    /** The rows of these ids, as far as there are any. */
    List<Answered> answered(String project, String deployment, Collection<String> ids);

    /**
     * What labels have changed.
     *
     * @param first rows that had none
     * @param other rows that had another value
     */
    record Labelling(int first, int other) {}

    /**
     * What has been labelled of the first rows of a range, whenever their labels came.
     *
     * @param labelled rows with a label
     * @param compared those of them whose answer could be compared with it
     * @param slowest the longest that a label of these came after the event time of its row
     * @param all whether these are known to be all rows of the range
     */
    record Labels(long labelled, long compared, Duration slowest, boolean all) {}

    /** What has been labelled of the first believed rows of a range, at most so many. */
    Labels labels(Range range, int limit);

    /** Sets labels of rows that have none or another, one after the other. */
    Labelling label(String project, String deployment, List<Labelled> labels, Instant at);

    /** Believed rows in order, those after a position; fewer than asked for where they hold much. For who keeps no page. */
    Portion<JournalRow> page(Range range, Optional<Position> after, int limit);

    /** Gives every believed row of a range in order, page by page, so in several units of work where there is none around. */
    default void forEach(Range range, Consumer<JournalRow> taker) {
        Optional<Position> after = Optional.empty();
        Portion<JournalRow> page;
        do {
            page = page(range, after, PAGE);
            page.items().forEach(taker);
            after = page.items().isEmpty()
                    ? after
                    : Optional.of(page.items().getLast().position());
        } while (page.more());
    }

    /**
     * Rows, quarantined ones too, newest first, those before a position; fewer than asked for where they hold much. They count to the
     * request that asks for them.
     */
    Portion<JournalRow> newest(Range range, Optional<Position> before, int limit);

    /** Reads all of the range. */
    long count(Range range);

    /** Event time of the first believed row of a range. */
    Optional<Instant> first(Range range);

    /** On how many believed rows a challenger was asked, and on how many of them it failed; reads all of the range. */
    Reliability reliability(Range range, int challenger);

    /**
     * Rows that are believed again.
     *
     * @param latest the latest event time among them; empty where there are none
     */
    record Released(int rows, Optional<Instant> latest) {
        public static final Released NONE = new Released(0, Optional.empty());
    }

    /** Believes those again that were held as far from the rest, from one event time to another, both included. */
    Released release(String project, String deployment, Instant from, Instant until);

    /** Holds those that are believed before one event time as far behind, and after another as far ahead; how many. */
    int hold(String project, String deployment, Instant before, Instant after);

    /** Deletes some of the predictions of a deployment, in no order; how many. */
    int delete(String project, String deployment, int limit);

    /** Place of the newest row beyond so many, quarantined ones too; empty if there are no more. */
    Optional<Position> beyond(Range range, long newest);

    /** Deletes rows up to a position, with it, the oldest first; how many. */
    int deleteUntil(Range range, Position last, int limit);

    /** Deletes predictions that were received before a time, the oldest first; how many. */
    int deleteReceivedBefore(Instant time, int limit);
}
