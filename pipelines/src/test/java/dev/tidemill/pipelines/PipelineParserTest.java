package dev.tidemill.pipelines;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.PipelineParser;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.definitions.YamlObject;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PipelineParserTest {
    private static final StepKind KIND = new StepKind() {
        @Override
        public String name() {
            return "do.it";
        }

        @Override
        public Inputs inputs() {
            return new Inputs(Set.of("what"), Set.of("how"));
        }

        @Override
        public Map<String, Object> run(StepContext context) {
            return Map.of();
        }
    };

    /** The same work, whose result may be reused. */
    private static final StepKind CACHEABLE = new StepKind() {
        @Override
        public String name() {
            return "do.once";
        }

        @Override
        public Inputs inputs() {
            return KIND.inputs();
        }

        @Override
        public boolean cacheable() {
            return true;
        }

        @Override
        public Map<String, Object> run(StepContext context) {
            return Map.of();
        }
    };

    private static Pipeline parse(String yaml) {
        YamlObject document = YamlObject.parse("p.yaml", yaml);
        Pipeline pipeline = new PipelineParser(Map.of("do.it", KIND, "do.once", CACHEABLE)).parse(document);
        document.end();
        return pipeline;
    }

    private static void refused(String yaml, String... parts) {
        assertThatThrownBy(() -> parse(yaml))
                .isInstanceOf(TidemillException.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(parts));
    }

    @Test
    void expressionsMakeNeeds() {
        Pipeline pipeline = parse("""
                steps:
                  - {name: a, uses: do.it, with: {what: 1}}
                  - {name: b, uses: do.it, with: {what: "${steps.a.out}"}, matrix: {how: [x, y]}}
                """);
        assertThat(pipeline.step("b").orElseThrow().needs()).containsExactly("a");
        assertThat(pipeline.step("b").orElseThrow().choices()).hasSize(2);
    }

    @Test
    void mistakesAreNamedWithLineAndColumn() {
        refused(
                "steps:\n  - {name: a, uses: do.it, with: {what: 1}, retrys: 2}",
                "p.yaml:2:",
                "unknown key 'retrys'",
                "retries");
        refused("steps:\n  - {name: a, uses: do.its, with: {what: 1}}", "p.yaml:2:", "did you mean 'do.it'?");
        refused("steps:\n  - {name: a, uses: do.it}", "needs input 'what'");
        refused("steps:\n  - {name: a, uses: do.it, with: {what: 1, hov: 2}}", "did you mean 'how'?");
        refused("steps:\n  - {name: a, uses: do.it, with: {what: '${steps.z.out}'}}", "there is no step 'z'");
        refused("steps:\n  - {name: a, uses: do.it, with: {what: '${parameters.z}'}}", "there is no parameter 'z'");
        refused("steps:\n  - {uses: do.it, with: {what: 1}}", "key 'name' is missing");
        refused("steps: []", "at least one step");
        refused("steps: [", "p.yaml:");
        refused("- a\n- b", "not a mapping");
    }

    @Test
    void expressionsInAMatrixAreCheckedAndMakeNeedsAsWell() {
        Pipeline pipeline = parse("""
                parameters: {tag: {default: red}}
                steps:
                  - {name: a, uses: do.it, with: {what: 1}}
                  - {name: b, uses: do.it, matrix: {what: ["${steps.a.out}", "exp-${parameters.tag}"]}}
                """);
        assertThat(pipeline.step("b").orElseThrow().needs()).containsExactly("a");
        assertThat(pipeline.step("b").orElseThrow().choices()).hasSize(2);
        String step = "steps:\n  - {name: a, uses: do.it, matrix: {what: [1, ";
        refused(step + "'${parameters.z}']}}", "p.yaml:2:", "matrix:", "there is no parameter 'z'");
        refused(step + "{deep: ['${steps.z.out}']}]}}", "matrix:", "there is no step 'z'");
        refused(step + "'${what}']}}", "matrix:", "neither ${parameters.NAME} nor ${steps.STEP.OUTPUT}");
        refused(step + "'${steps.a.out}']}}", "wait for each other");
    }

    @Test
    void cacheIsOfKindsWhoseResultMayBeReused() {
        for (String cache : new String[] {"true", "false"}) {
            String rest = ", with: {what: 1}, cache: " + cache + "}";
            refused("steps:\n  - {name: a, uses: do.it" + rest, "p.yaml:2:", "cache:", "do.it", "never reused");
            assertThat(parse("steps:\n  - {name: a, uses: do.once" + rest)
                            .step("a")
                            .orElseThrow()
                            .cache())
                    .isEqualTo(Boolean.parseBoolean(cache));
        }
    }

    @Test
    void cyclesAreNamed() {
        refused("""
                steps:
                  - {name: a, uses: do.it, needs: [c], with: {what: 1}}
                  - {name: b, uses: do.it, needs: [a], with: {what: 1}}
                  - {name: c, uses: do.it, needs: [b], with: {what: 1}}
                """, "wait for each other", "a", "b", "c");
    }
}
