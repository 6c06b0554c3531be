package dev.tidemill.pipelines.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.time.EventTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One attempt of a step: its resolved inputs, and where it tells how it goes. Thread-safe. */
public interface StepContext {
    String project();

    PipelineRunId run();

    /**
     * Who started the run, as {@link dev.tidemill.platform.auth.Actor} has it, or {@code system} for a run that the server itself
     * started. What the step makes or decides is noted as done by them, also after a restart.
     */
    String actor();

    /** Name of the step's instance within the run. */
    String step();

    /** Identifies the instance across attempts. */
    default String key() {
        return run() + "/" + step();
    }

    /** Wall time left for this attempt's heavy work. */
    Duration timeout();

    Map<String, Object> inputs();

    /** Appends a line to the step's log. */
    void log(String line);

    /** Tells how far it is. */
    void progress(long done, long total);

    default String text(String input) {
        return optionalText(input).orElseThrow(() -> missing(input));
    }

    default Optional<String> optionalText(String input) {
        return Optional.ofNullable(inputs().get(input)).map(String::valueOf);
    }

    default double number(String input, double otherwise) {
        return optionalText(input)
                .map(text -> {
                    try {
                        return Double.parseDouble(text);
                    } catch (NumberFormatException e) {
                        throw invalid(input, "'" + text + "' is not a number");
                    }
                })
                .orElse(otherwise);
    }

    default Optional<Instant> instant(String input) {
        return optionalText(input).filter(text -> !text.isEmpty()).map(text -> EventTime.instant(input, text));
    }

    default Optional<Duration> duration(String input) {
        return optionalText(input).filter(text -> !text.isEmpty()).map(text -> EventTime.duration(input, text));
    }

    /** A list input; a single value counts as a list of one. */
    default List<Object> list(String input) {
        return switch (inputs().get(input)) {
            case null -> List.of();
            case List<?> list -> List.copyOf(list);
            case Object single -> List.of(single);
        };
    }

    @SuppressWarnings("unchecked")
    default Map<String, Object> map(String input) {
        return inputs().get(input) instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
    }

    private static TidemillException missing(String input) {
        return new TidemillException(ErrorCode.INVALID_ARGUMENT, "Input '" + input + "' is missing").at(input);
    }

    private static TidemillException invalid(String input, String why) {
        return TidemillException.invalid(input, why);
    }
}
