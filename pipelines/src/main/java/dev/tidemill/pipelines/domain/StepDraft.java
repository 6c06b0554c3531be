package dev.tidemill.pipelines.domain;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A step of a pipeline that is being applied, as it is written: what is known of its inputs before it has ever run. Not
 * thread-safe.
 */
public final class StepDraft {
    private final Pipeline.Step step;
    private final Drafts drafts;

    private StepDraft(Pipeline.Step step, Drafts drafts) {
        this.step = step;
        this.drafts = drafts;
    }

    /** What the steps of one pipeline have in common. */
    private record Drafts(
            String project,
            Pipeline pipeline,
            Map<String, StepKind> kinds,
            Map<String, Object> others,
            Map<String, Optional<List<String>>> columns) {
        /** Asked for once: it may take a query. */
        Optional<List<String>> columnsOf(Pipeline.Step step) {
            StepKind kind = kinds.get(step.uses());
            if (kind == null || !step.matrix().isEmpty()) {
                return Optional.empty();
            }
            Optional<List<String>> known = columns.get(step.name());
            if (known == null) {
                known = kind.columns(new StepDraft(step, this));
                columns.put(step.name(), known);
            }
            return known;
        }
    }

    /**
     * The steps of a pipeline, in its order.
     *
     * @param others what is applied together with the pipeline, by kind and name, as {@code FeatureView/trips}
     */
    public static List<StepDraft> of(
            String project, Pipeline pipeline, Map<String, StepKind> kinds, Map<String, Object> others) {
        var drafts = new Drafts(project, pipeline, kinds, others, new HashMap<>());
        return pipeline.steps().stream()
                .map(step -> new StepDraft(step, drafts))
                .toList();
    }

    public String project() {
        return drafts.project();
    }

    public String name() {
        return step.name();
    }

    public String uses() {
        return step.uses();
    }

    /** What is applied together with the pipeline, by kind and name, as {@code FeatureView/trips}. */
    public Map<String, Object> others() {
        return drafts.others();
    }

    /**
     * The texts that an input is known to take: as it is written, the elements of a list, or each of the matrix. Expressions, whose
     * values only a run knows, and blank texts, which stand for an input that is not given, are left out.
     */
    public List<String> texts(String input) {
        var texts = new ArrayList<String>();
        collect(step.with().get(input), texts);
        collect(step.matrix().get(input), texts);
        return texts;
    }

    private static void collect(@org.jspecify.annotations.Nullable Object value, List<String> texts) {
        if (value instanceof String text && !text.isBlank() && !Expressions.isIn(text)) {
            texts.add(text);
        } else if (value instanceof List<?> list) {
            list.forEach(element -> collect(element, texts));
        }
    }

    /**
     * Columns of the data set version that an input names, where it is the output of a step that knows them before it runs; empty
     * where they are not known.
     */
    public Optional<List<String>> columns(String input) {
        return step.with().get(input) instanceof String text
                ? Expressions.output(text)
                        .filter(output -> output.name().equals("version"))
                        .flatMap(output -> drafts.pipeline().step(output.step()))
                        .flatMap(drafts::columnsOf)
                : Optional.empty();
    }
}
