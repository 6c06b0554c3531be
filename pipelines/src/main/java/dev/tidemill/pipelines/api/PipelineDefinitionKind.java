package dev.tidemill.pipelines.api;

import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.PipelineParser;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.pipelines.domain.StepDraft;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Map;

/** {@code kind: Pipeline}. */
public final class PipelineDefinitionKind implements DefinitionKind<Pipeline> {
    private final Pipelines pipelines;
    private final PipelineParser parser;
    private final Map<String, StepKind> kinds;

    public PipelineDefinitionKind(Pipelines pipelines, Map<String, StepKind> kinds) {
        this.pipelines = pipelines;
        this.kinds = kinds;
        this.parser = new PipelineParser(kinds);
    }

    @Override
    public String kind() {
        return "Pipeline";
    }

    @Override
    public int rank() {
        return 30;
    }

    @Override
    public Pipeline parse(String name, YamlObject document, ProjectFiles files) {
        return parser.parse(document);
    }

    @Override
    public void check(String project, String name, Pipeline pipeline, Map<String, Object> others) {
        for (StepDraft step : StepDraft.of(project, pipeline, kinds, others)) {
            StepKind kind = kinds.get(step.uses());
            if (kind == null) {
                continue;
            }
            try {
                kind.check(step);
            } catch (TidemillException e) {
                var refusal = new TidemillException(e.code(), "step '" + step.name() + "': " + e.message()).causedBy(e);
                throw e.remedy().map(refusal::remedy).orElse(refusal);
            }
        }
    }

    @Override
    public Prepared prepare(String project, String name, Pipeline pipeline, Map<String, Object> earlier) {
        return applied -> pipelines.define(project, name, applied.version(), applied.digest(), pipeline);
    }
}
