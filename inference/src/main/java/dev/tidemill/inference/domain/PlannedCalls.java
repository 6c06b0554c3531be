package dev.tidemill.inference.domain;

import dev.tidemill.inference.domain.JournalEntries.Said;
import dev.tidemill.inference.domain.ServedPlans.Serving;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers by a plan. One side answers; the other, if there is a challenger, is asked after the answer and never touches the
 * caller. A challenger that fails where the champion answers has that recorded against it, and where it was its turn to answer
 * the champion answers in its place. An id that a caller has given before is refused for other features. Thread-safe.
 */
final class PlannedCalls {
    private static final Logger LOG = LoggerFactory.getLogger(PlannedCalls.class);

    private final PredictionJournal journal;
    private final CallRecords records;
    private final FeatureLookup features;
    private final ShadowCalls shadows;
    private final AnsweredIds ids = new AnsweredIds();
    private final Clock clock;

    PlannedCalls(
            PredictionJournal journal, CallRecords records, FeatureLookup features, ShadowCalls shadows, Clock clock) {
        this.journal = journal;
        this.records = records;
        this.features = features;
        this.shadows = shadows;
        this.clock = clock;
    }

    /**
     * Answers a request.
     *
     * @param toChallenger which side is to answer
     * @param asked whether the caller asked for that side, and so gets its error too
     * @return empty if the plan has been replaced and its models closed meanwhile
     */
    Optional<InferenceAnswer> answer(Serving serving, boolean toChallenger, boolean asked, InferenceRequest request) {
        if (!serving.champion().enter()) {
            return Optional.empty();
        }
        try {
            if (serving.challenger().isPresent() && !serving.challenger().get().enter()) {
                return Optional.empty();
            }
            try {
                return Optional.of(scored(serving, toChallenger, asked, request));
            } finally {
                serving.challenger().ifPresent(ModelHandle::leave);
            }
        } finally {
            serving.champion().leave();
        }
    }

    /** Forgets the ids of all deployments but some. */
    void retain(Set<String> deployments) {
        ids.retain(deployments);
    }

    private InferenceAnswer scored(Serving serving, boolean toChallenger, boolean asked, InferenceRequest request) {
        var trip = new Trip(serving, request);
        try {
            trip.requireJournalled();
            if (!toChallenger || asked) {
                return answered(trip, toChallenger, called(trip, toChallenger), Said.NOTHING);
            }
            Called challenger;
            try {
                challenger = called(trip, true);
            } catch (TidemillException e) {
                if (request.context().cancellation().isCancelled()) {
                    throw e;
                }
                return answered(trip, false, called(trip, false), Said.failed(e));
            }
            return answered(trip, true, challenger, Said.NOTHING);
        } catch (TidemillException e) {
            trip.record.failed(trip.version(toChallenger), route(toChallenger), Optional.of(e.message()));
            throw e;
        } catch (RuntimeException | Error e) {
            trip.record.failed(trip.version(toChallenger), route(toChallenger), Optional.empty());
            throw e;
        }
    }

    private static Route route(boolean toChallenger) {
        return toChallenger ? Route.CHALLENGER : Route.CHAMPION;
    }

    /**
     * What one side has answered.
     *
     * @param inputs as it took them
     */
    private record Called(List<Tensor> inputs, Calls.Outcome outcome, long nanos) {}

    private static Called called(Trip trip, boolean toChallenger) {
        long computing = System.nanoTime();
        List<Tensor> inputs = trip.fitted(toChallenger);
        Calls.Outcome outcome =
                trip.call(toChallenger, inputs, trip.request.context().cancellation());
        return new Called(inputs, outcome, System.nanoTime() - computing);
    }

    /** @param challenger what it said already, if the champion answers in its place */
    private InferenceAnswer answered(Trip trip, boolean toChallenger, Called called, Said challenger) {
        Calls.Outcome outcome = called.outcome();
        List<Tensor> row = trip.row(toChallenger, called.inputs());
        keep(trip, toChallenger, row, Said.answered(outcome.outputs()), challenger);
        trip.record.answered(trip.version(toChallenger), route(toChallenger), outcome, called.nanos());
        return InferenceAnswer.of(
                trip.version(toChallenger),
                route(toChallenger),
                trip.handle(toChallenger).model(),
                outcome.outputs(),
                trip.warnings(toChallenger));
    }

    /** Journals the answer, and has the other side asked. */
    private void keep(Trip trip, boolean toChallenger, List<Tensor> row, Said own, Said challenger) {
        Entries entries = said -> trip.entries(
                row,
                toChallenger,
                toChallenger ? said : own,
                toChallenger ? own : challenger.isKnown() ? challenger : said);
        JournalEntries.Journalled journalled = entries.with(Said.NOTHING);
        if (journalled.leftOut() > 0 && trip.plan().durable()) {
            throw trip.tooMuch();
        }
        PredictionJournal.Entry entry = begin(trip, journalled.entries());
        trip.countLeftOut(journalled.leftOut());
        if (trip.plan().challenger().isEmpty() || challenger.isKnown()) {
            if (challenger.isKnown()) {
                trip.live().shadowFailed();
            }
            entry.complete();
            return;
        }
        ModelHandle other = trip.handle(!toChallenger);
        // It is in use by this call, so it is open.
        other.enter();
        shadows.submit(
                trip.key(),
                trip.size(),
                () -> {
                    Said said = Said.NOTHING;
                    try {
                        said = shadow(trip, !toChallenger);
                    } finally {
                        other.leave();
                        entry.complete(entries.with(said).entries());
                    }
                },
                () -> {
                    other.leave();
                    trip.live().shadowDropped();
                    entry.complete();
                });
    }

    private PredictionJournal.Entry begin(Trip trip, List<Prediction> predictions) {
        // Nobody else knows an id that was made here before it is answered.
        List<Prediction.Key> noted = trip.request.named() ? ids.note(predictions) : List.of();
        try {
            return journal.begin(predictions, trip.plan().durable());
        } catch (RuntimeException | Error e) {
            ids.forget(noted);
            throw e;
        }
    }

    private Said shadow(Trip trip, boolean challenger) {
        try {
            return Said.answered(trip.call(challenger, trip.fitted(challenger), Cancellation.NEVER)
                    .outputs());
        } catch (RuntimeException | Error e) {
            trip.live().shadowFailed();
            LOG.debug("{} failed in shadow: {}", trip.version(challenger).reference(), e.toString());
            return Said.failed(e);
        }
    }

    private interface Entries {
        JournalEntries.Journalled with(Said said);
    }

    /** A request on its way through a plan. */
    private final class Trip {
        private final Serving serving;
        private final InferenceRequest request;
        private final CallRecords.Call record;

        private Trip(Serving serving, InferenceRequest request) {
            this.serving = serving;
            this.request = request;
            this.record = records.begin(plan().project(), plan().name(), request);
        }

        private ServingPlan plan() {
            return serving.plan();
        }

        private String key() {
            return Gateway.key(plan().project(), plan().name());
        }

        private LiveStatistics live() {
            return records.live(plan().project(), plan().name());
        }

        private ModelHandle handle(boolean challenger) {
            return challenger ? serving.challenger().orElseThrow() : serving.champion();
        }

        private ServedVersion version(boolean challenger) {
            return challenger ? plan().challenger().orElseThrow().version() : plan().champion();
        }

        private List<Tensor> fitted(boolean challenger) {
            return features.fitted(
                    handle(challenger).model(), version(challenger), request, plan().inputs(), others(challenger));
        }

        /** What the other side takes: a challenger may ask for columns that the champion does not know. */
        private List<TensorSpec> others(boolean challenger) {
            return plan().challenger().isPresent() ? handle(!challenger).model().inputs() : List.of();
        }

        private List<String> warnings(boolean challenger) {
            return plan().inputs() == InputPolicy.WARN
                    ? InputBinding.warnings(handle(challenger).model().inputs(), others(challenger), request.inputs())
                    : List.of();
        }

        private Calls.Outcome call(boolean challenger, List<Tensor> inputs, Cancellation cancellation) {
            ModelHandle handle = handle(challenger);
            return handle.call(inputs, request.context(handle.model(), cancellation));
        }

        /** The row in the champion's names, which its windows are about, or else as it was given. */
        private List<Tensor> row(boolean challenger, List<Tensor> given) {
            if (!challenger) {
                return given;
            }
            try {
                return fitted(false);
            } catch (TidemillException e) {
                return given;
            }
        }

        private JournalEntries.Journalled entries(
                List<Tensor> row, boolean toChallenger, Said champion, Said challenger) {
            return JournalEntries.of(plan(), request, row, toChallenger, champion, challenger, clock.instant());
        }

        /** Refuses a request of which not every row could be kept, where each must be, before it is computed: so far as the inputs tell. */
        private void requireJournalled() {
            List<Tensor> inputs = request.inputs();
            int rows = request.rows();
            if (!plan().durable() || inputs.isEmpty() || rows == 0) {
                return;
            }
            int kept = JournalEntries.kept(request, inputs, Tensor.haveRows(inputs), 0);
            if (kept == 0 || kept < rows) {
                throw tooMuch();
            }
        }

        private TidemillException tooMuch() {
            return TidemillException.invalid(
                            "inputs",
                            request.rows()
                                    + " rows of so many values, with their answers, are more than the durable journal of deployment '"
                                    + plan().name() + "' keeps of one request, which are " + JournalEntries.MOST_ROWS
                                    + " rows and " + JournalEntries.MOST_VALUES + " values")
                    .remedy("Send fewer rows at a time");
        }

        /** Counts the rows that are answered and not journalled, as one request is not to take all memory. */
        private void countLeftOut(int leftOut) {
            if (leftOut > 0) {
                journal.leftOut(
                        plan().project(),
                        plan().name(),
                        leftOut,
                        request.predictionId(request.rows() - 1),
                        "one request held more than is journalled of it");
            }
        }

        private long size() {
            return 500 + request.inputs().stream().mapToLong(RawTensors::length).sum();
        }
    }
}
