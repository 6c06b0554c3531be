package dev.tidemill.deployments.steps;

import dev.tidemill.deployments.domain.Decision;
import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** {@code deployments.offer}: deploys the first version of a model; offers a later one as challenger. */
public final class OfferStep implements StepKind {
    private final Rollouts rollouts;

    public OfferStep(Rollouts rollouts) {
        this.rollouts = rollouts;
    }

    @Override
    public String name() {
        return "deployments.offer";
    }

    @Override
    public Inputs inputs() {
        return new Inputs(Set.of("deployment", "version"), Set.of("metrics", "until"));
    }

    @Override
    public Map<String, Object> run(StepContext context) {
        int version = (int) context.number("version", 0);
        String madeBy = "pipeline-run/" + context.key();
        Deployment deployment = rollouts.offer(
                context.project(),
                context.text("deployment"),
                version,
                errors(context.map("metrics")),
                context.instant("until"),
                madeBy,
                context.actor());
        Decision decision = rollouts.decisionOf(context.project(), deployment.name(), madeBy)
                .orElseThrow(() -> TidemillException.notFound("deployment", deployment.name()));
        // What it came to by this offer, whatever has been decided since.
        String phase = lowerCase(
                decision.action() == Decision.Action.SHADOWED ? Deployment.Phase.SHADOW : Deployment.Phase.NONE);
        String what = lowerCase(decision.action());
        context.log("version " + version + " was " + what + ": " + decision.reason());
        context.log("champion " + deployment.champion().orElse(0) + ", challenger "
                + deployment.challenger().map(String::valueOf).orElse("none") + ", phase " + phase);
        return Map.of("deployment", deployment.name(), "phase", phase, "decision", what, "reason", decision.reason());
    }

    private static String lowerCase(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** The numbers among the metrics; parameters of a pipeline come as texts, and those that are not given as empty ones. */
    static Map<String, Double> errors(Map<String, Object> metrics) {
        var errors = new TreeMap<String, Double>();
        metrics.forEach((name, value) -> {
            if (value instanceof Number number) {
                errors.put(name, number.doubleValue());
            } else if (value instanceof String text && !text.isEmpty()) {
                try {
                    errors.put(name, Double.parseDouble(text));
                } catch (NumberFormatException e) {
                    throw TidemillException.invalid("metrics." + name, "'" + text + "' is not a number");
                }
            }
        });
        return errors;
    }
}
