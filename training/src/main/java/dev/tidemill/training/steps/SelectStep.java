package dev.tidemill.training.steps;

import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.training.domain.Trained;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** {@code training.select}: takes the trained model with the smallest error; the first of equals. */
public final class SelectStep implements StepKind {
    @Override
    public String name() {
        return "training.select";
    }

    @Override
    public Inputs inputs() {
        return new Inputs(Set.of("trials"), Set.of());
    }

    @Override
    public Map<String, Object> run(StepContext context) {
        List<Object> trials = context.list("trials");
        Object best = trials.stream()
                .min(Comparator.comparingDouble(Trained::error))
                .orElseThrow(() -> TidemillException.invalid("trials", "There is no trial to select from"));
        Object parameters =
                best instanceof Map<?, ?> map && map.get("parameters") != null ? map.get("parameters") : Map.of();
        context.log("best of " + trials.size() + ": error " + Trained.error(best) + " with " + parameters);
        return Map.of("trained", best, "parameters", parameters, "error", Trained.error(best));
    }
}
