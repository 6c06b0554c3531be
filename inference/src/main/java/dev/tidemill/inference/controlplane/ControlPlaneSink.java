package dev.tidemill.inference.controlplane;

import dev.tidemill.inference.api.PlaneJson;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import java.util.List;

/** Pushes journalled predictions to the control plane. */
public final class ControlPlaneSink implements PredictionSink {
    private final ControlPlane control;

    public ControlPlaneSink(ControlPlane control) {
        this.control = control;
    }

    @Override
    public Taken append(List<Prediction> batch) {
        return PlaneJson.taken(control.post("/predictions", PlaneJson.predictions(batch)), batch);
    }
}
