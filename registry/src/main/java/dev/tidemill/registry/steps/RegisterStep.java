package dev.tidemill.registry.steps;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Registrations;
import dev.tidemill.registry.domain.Signature;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** {@code registry.register}: makes a trained model the next version of a registered model. */
public final class RegisterStep implements StepKind {
    private final Registrations registrations;
    private final String codeVersion;

    /** @param codeVersion version of the trainers in this build */
    public RegisterStep(Registrations registrations, String codeVersion) {
        this.registrations = registrations;
        this.codeVersion = codeVersion;
    }

    @Override
    public String name() {
        return "registry.register";
    }

    @Override
    public Inputs inputs() {
        return new Inputs(Set.of("model", "trained"), Set.of("metrics"));
    }

    @Override
    public Map<String, Object> run(StepContext context) {
        Map<String, Object> trained = context.map("trained");
        var metrics = new TreeMap<String, Double>();
        context.map("metrics").forEach((name, value) -> {
            if (value instanceof Number number) {
                metrics.put(name, number.doubleValue());
            }
        });
        var params = new TreeMap<String, String>();
        if (trained.get("parameters") instanceof Map<?, ?> map) {
            map.forEach((name, value) -> params.put(String.valueOf(name), String.valueOf(value)));
        }
        ModelVersion version = registrations.register(
                context.project(),
                context.text("model"),
                new Registrations.Candidate(
                        new Digest(String.valueOf(trained.get("folder"))),
                        signature(trained.get("signature")),
                        new ModelVersion.Training(
                                Optional.ofNullable(trained.get("run")).map(String::valueOf),
                                metrics,
                                params,
                                List.of(String.valueOf(trained.get("data"))),
                                String.valueOf(trained.get("dataDigest")),
                                codeVersion,
                                Optional.ofNullable(trained.get("dataUntil"))
                                        .map(String::valueOf)
                                        // Of rows without a time column nobody knows how far they go.
                                        .filter(until -> !until.isEmpty())
                                        .map(java.time.Instant::parse))),
                context.key(),
                context.actor());
        context.log("registered " + version.reference() + " with digest " + version.requireFolder());
        return Map.of(
                "model", version.model(),
                "version", version.version(),
                "digest", version.requireFolder().value());
    }

    private static Signature signature(@org.jspecify.annotations.Nullable Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            return new Signature(List.of(), List.of());
        }
        return new Signature(fields(map.get("inputs")), fields(map.get("outputs")));
    }

    private static List<Signature.Field> fields(@org.jspecify.annotations.Nullable Object value) {
        var fields = new ArrayList<Signature.Field>();
        if (value instanceof List<?> list) {
            for (Object element : list) {
                if (element instanceof Map<?, ?> field) {
                    fields.add(new Signature.Field(
                            String.valueOf(field.get("name")),
                            String.valueOf(field.get("type")),
                            Boolean.TRUE.equals(field.get("optional"))));
                }
            }
        }
        return fields;
    }
}
