package dev.tidemill.inference.domain;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** Keeps predictions that the sink never takes beside the log, counted as lost. Thread-safe. */
record PredictionsAside(PredictionLog log, LostPredictions lost) implements Delivery.Aside {
    private static final Logger LOG = LoggerFactory.getLogger(PredictionsAside.class);

    @Override
    public boolean holds(Prediction prediction) {
        return lost.contains(prediction.key());
    }

    @Override
    public void put(Prediction prediction, String reason) {
        if (holds(prediction)) {
            return;
        }
        // One line for very many of a kind; the file beside the log names them all.
        boolean same = lost.isReason(prediction.project(), prediction.deployment(), reason);
        LOG.atLevel(same ? Level.DEBUG : Level.ERROR)
                .log(
                        "Prediction {} of deployment {} of project {} cannot be journalled and is set aside: {}",
                        prediction.id(),
                        prediction.deployment(),
                        prediction.project(),
                        reason);
        log.setAside(prediction, reason);
        lost.add(List.of(prediction), reason);
    }
}
