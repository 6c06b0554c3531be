package dev.tidemill.deployments.api;

import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** {@code kind: Policy}. */
public final class PolicyDefinitionKind implements DefinitionKind<Policy> {
    private final Deployments deployments;
    private final Pipelines pipelines;

    public PolicyDefinitionKind(Deployments deployments, Pipelines pipelines) {
        this.deployments = deployments;
        this.pipelines = pipelines;
    }

    @Override
    public String kind() {
        return "Policy";
    }

    @Override
    public int rank() {
        return 40;
    }

    @Override
    public Policy parse(String name, YamlObject document, ProjectFiles files) {
        return new Policy(
                document.optionalObject("retrain").map(PolicyDefinitionKind::retrain),
                promotion(document.optionalObject("promote").orElseGet(() -> YamlObject.parse(document.file(), "{}"))),
                document.oneOf("inputs", InputPolicy.class, InputPolicy.REFUSE));
    }

    private static Policy.Retrain retrain(YamlObject yaml) {
        Map<String, String> parameters = new TreeMap<>();
        yaml.optionalObject("parameters")
                .ifPresent(
                        object -> object.plain().forEach((key, value) -> parameters.put(key, String.valueOf(value))));
        int of = yaml.integer("of", 3, 1, 100);
        var retrain = new Policy.Retrain(
                yaml.text("pipeline"),
                parameters,
                yaml.number("tolerance", 0.15, 0, 10),
                yaml.integer("degraded", 2, 1, of),
                of,
                yaml.optionalDuration("at-least-every"),
                yaml.duration("cool-down", "P7D"));
        yaml.end();
        return retrain;
    }

    private static Policy.Promotion promotion(YamlObject yaml) {
        var promotion = new Policy.Promotion(
                yaml.number("margin", 0.02, 0, 10),
                yaml.duration("shadow", "P3D"),
                yaml.duration("canary", "P4D"),
                yaml.duration("canary-at-most", "P28D"),
                yaml.number("share", 0.1, 0, 1),
                yaml.number("confidence", 0.95, 0.5, 0.9999),
                yaml.integer("rows", Policy.Promotion.ROWS, 1, 1_000_000),
                yaml.duration("block", "P1D"),
                yaml.integer("blocks", Policy.Promotion.WEEK_OF_DAYS, 4, 10_000));
        if (promotion.block().compareTo(Duration.ofMinutes(1)) < 0) {
            throw yaml.invalid("block", "a block lasts a minute or longer, not " + promotion.block());
        }
        yaml.end();
        return promotion;
    }

    @Override
    public void check(String project, String name, Policy policy, Map<String, Object> others) {
        policy.retrain().ifPresent(retrain -> {
            Optional<Pipeline> pipeline = others.get("Pipeline/" + retrain.pipeline()) instanceof Pipeline together
                    ? Optional.of(together)
                    : pipelines.find(project, retrain.pipeline());
            retrain.obstacle(pipeline).ifPresent(why -> {
                throw new TidemillException(ErrorCode.INVALID_DEFINITION, "policy '" + name + "' retrains, but " + why)
                        .remedy("Name a pipeline that is applied with the policy or before it, and parameters that it"
                                + " declares");
            });
        });
    }

    @Override
    public Prepared prepare(String project, String name, Policy policy, Map<String, Object> earlier) {
        return applied -> deployments.definePolicy(project, name, applied.version(), policy);
    }
}
