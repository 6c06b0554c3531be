package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Fits the parameters that a request brings to those that a model declares. */
public final class ModelParameters {
    /** Whether a classifier is to tell its probabilities beside the class. */
    public static final ParameterSpec PROBABILITIES =
            new ParameterSpec("probabilities", ParameterSpec.Type.BOOLEAN, false);

    private ModelParameters() {}

    /**
     * The parameters by name, of the declared types.
     *
     * @param given texts, numbers, truths, lists and maps
     * @throws TidemillException {@code INVALID_ARGUMENT} for one that is not declared or of another type
     */
    public static Map<String, Object> fit(List<ParameterSpec> specs, Map<String, Object> given) {
        if (given.isEmpty()) {
            return given;
        }
        Map<String, Object> fitted = new TreeMap<>();
        given.forEach((name, value) -> {
            boolean declared = specs.stream().anyMatch(one -> one.name().equals(name));
            if (!declared && name.equals(PROBABILITIES.name()) && Boolean.FALSE.equals(value)) {
                // A model that has none does not tell them.
                return;
            }
            ParameterSpec spec = specs.stream()
                    .filter(one -> one.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> TidemillException.invalid(
                            "parameters." + name,
                            "The model declares no parameter '" + name + "'; it declares "
                                    + (specs.isEmpty()
                                            ? "none"
                                            : specs.stream()
                                                    .map(ParameterSpec::name)
                                                    .collect(Collectors.joining("', '", "'", "'")))));
            fitted.put(name, spec.list() ? list(spec, value) : value(spec, value));
        });
        return fitted;
    }

    private static List<Object> list(ParameterSpec spec, Object value) {
        if (!(value instanceof List<?> values)) {
            throw refused(spec, value);
        }
        List<Object> fitted = new ArrayList<>(values.size());
        values.forEach(one -> fitted.add(value(spec, one)));
        return fitted;
    }

    private static Object value(ParameterSpec spec, Object value) {
        return switch (spec.type()) {
            case BOOLEAN -> {
                if (!(value instanceof Boolean)) {
                    throw refused(spec, value);
                }
                yield value;
            }
            case INTEGER -> whole(spec, value, Integer.MIN_VALUE, Integer.MAX_VALUE);
            case LONG -> whole(spec, value, Long.MIN_VALUE, Long.MAX_VALUE);
            case FLOAT, DOUBLE -> {
                if (!(value instanceof Number number)) {
                    throw refused(spec, value);
                }
                yield number.doubleValue();
            }
            case STRING -> {
                if (!(value instanceof String text)) {
                    throw refused(spec, value);
                }
                WireText.check("parameters." + spec.name(), "Parameter '" + spec.name() + "'", text);
                yield value;
            }
            case DATETIME -> {
                if (!(value instanceof String text) || !isTime(text)) {
                    throw refused(spec, value);
                }
                yield value;
            }
            case ANY -> {
                checkTexts(spec, value);
                yield value;
            }
        };
    }

    /** Checks texts wherever they are nested, the names of maps too. */
    private static void checkTexts(ParameterSpec spec, @Nullable Object value) {
        switch (value) {
            case String text -> WireText.check("parameters." + spec.name(), "Parameter '" + spec.name() + "'", text);
            case Map<?, ?> map ->
                map.forEach((key, one) -> {
                    checkTexts(spec, key);
                    checkTexts(spec, one);
                });
            case List<?> list -> list.forEach(one -> checkTexts(spec, one));
            case null, default -> {
                // No text.
            }
        }
    }

    private static long whole(ParameterSpec spec, Object value, long least, long most) {
        boolean whole = value instanceof Long || value instanceof Integer || value instanceof Short;
        if (!whole || value instanceof BigInteger) {
            throw refused(spec, value);
        }
        long number = ((Number) value).longValue();
        if (number < least || number > most) {
            throw refused(spec, value);
        }
        return number;
    }

    private static boolean isTime(String text) {
        return parses(text, Instant::parse) || parses(text, LocalDateTime::parse) || parses(text, LocalDate::parse);
    }

    private interface Parser {
        Object parse(String text);
    }

    private static boolean parses(String text, Parser parser) {
        try {
            parser.parse(text);
            return true;
        } catch (DateTimeException e) {
            return false;
        }
    }

    private static TidemillException refused(ParameterSpec spec, Object value) {
        String type = spec.type().name().toLowerCase(java.util.Locale.ROOT);
        return TidemillException.invalid(
                "parameters." + spec.name(),
                "Parameter '" + spec.name() + "' is " + (spec.list() ? "a list of " + type : type) + ", not "
                        + value.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT) + " '" + value + "'");
    }
}
