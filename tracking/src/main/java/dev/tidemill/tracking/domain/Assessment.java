package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * What a person, a judge or a program says of a trace.
 *
 * @param traceId of the trace it is about
 * @param value the judgement alone, as JSON text; what searches compare with
 * @param content the judgement with everything around it, such as an error, as the JSON object that the client sent
 * @param spanId empty if it is about the whole trace
 * @param overrides the assessment that this one replaces
 * @param valid false once another one replaces it
 */
public record Assessment(
        String id,
        String traceId,
        String name,
        Kind kind,
        String value,
        String content,
        Optional<String> spanId,
        String sourceType,
        String sourceId,
        Optional<String> rationale,
        Map<String, String> metadata,
        Optional<String> overrides,
        boolean valid,
        Instant createdAt,
        Instant updatedAt) {
    /** What sort of judgement it is. */
    public enum Kind {
        /** How good the answer was. */
        FEEDBACK,
        /** What the answer should have been. */
        EXPECTATION,
        /** A problem it was filed under. */
        ISSUE
    }

    /**
     * What changes of an assessment; what is empty stays.
     *
     * @param rationale a text without characters takes the one that is there away
     * @param metadata is merged
     */
    public record Change(
            Optional<String> name,
            Optional<Judgement> judgement,
            Optional<String> rationale,
            Map<String, String> metadata) {}

    /** A judgement with its kind; see {@link Assessment} for value and content. */
    public record Judgement(Kind kind, String value, String content) {}

    /** The same, valid or not. */
    public Assessment asValid(boolean whether) {
        return new Assessment(
                id,
                traceId,
                name,
                kind,
                value,
                content,
                spanId,
                sourceType,
                sourceId,
                rationale,
                metadata,
                overrides,
                whether,
                createdAt,
                updatedAt);
    }

    Assessment changed(Change change, Instant now) {
        var merged = new java.util.TreeMap<>(metadata);
        merged.putAll(change.metadata());
        return new Assessment(
                id,
                traceId,
                change.name().orElse(name),
                kind,
                change.judgement().map(Judgement::value).orElse(value),
                change.judgement().map(Judgement::content).orElse(content),
                spanId,
                sourceType,
                sourceId,
                change.rationale().or(() -> rationale).filter(text -> !text.isEmpty()),
                merged,
                overrides,
                valid,
                createdAt,
                now);
    }
}
