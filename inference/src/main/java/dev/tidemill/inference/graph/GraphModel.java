package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelHandle;
import dev.tidemill.inference.domain.ParameterSpec;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A graph with its models in memory. Where it chooses, an output {@code route} tells what each row took. */
final class GraphModel implements LoadedModel {
    static final String ROUTE = "route";

    private final Stage stage;
    private final List<ModelHandle> handles;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;

    GraphModel(Stage stage, List<ModelHandle> handles) {
        this.stage = stage;
        this.handles = handles;
        this.inputs = stage.inputs();
        List<TensorSpec> told = new ArrayList<>(stage.outputs());
        if (stage.chooses() && !told.isEmpty()) {
            told.add(TensorSpec.column(ROUTE, Datatype.BYTES, false));
        }
        this.outputs = List.copyOf(told);
    }

    @Override
    public String platform() {
        return "tidemill_graph";
    }

    @Override
    public List<TensorSpec> inputs() {
        return inputs;
    }

    @Override
    public List<TensorSpec> outputs() {
        return outputs;
    }

    @Override
    public List<String> classes() {
        return stage.classes();
    }

    @Override
    public ClassType classType() {
        return stage.classType();
    }

    @Override
    public boolean answersScores() {
        return stage.answersScores();
    }

    @Override
    public List<ParameterSpec> parameters() {
        return handles.stream()
                .flatMap(handle -> handle.model().parameters().stream())
                .distinct()
                .toList();
    }

    @Override
    public boolean isStale() {
        return handles.stream().anyMatch(ModelHandle::isRetired);
    }

    @Override
    public List<Tensor> predict(List<Tensor> given) {
        return predict(given, CallContext.NONE);
    }

    @Override
    public List<Tensor> predict(List<Tensor> given, CallContext context) {
        Stage.Flow flow = stage.answer(given, context);
        if (flow.routes().isEmpty()) {
            return flow.tensors();
        }
        List<Tensor> answer = new ArrayList<>(flow.tensors());
        byte[][] routes = new byte[flow.routes().size()][];
        for (int i = 0; i < routes.length; i++) {
            routes[i] = flow.routes().get(i).getBytes(StandardCharsets.UTF_8);
        }
        answer.add(Tensor.texts(ROUTE, new long[] {routes.length}, routes));
        return answer;
    }

    @Override
    public boolean isElsewhere() {
        return stage.isElsewhere();
    }

    @Override
    public long bytes() {
        return 1_000;
    }

    @Override
    public void close() {
        handles.forEach(ModelHandle::close);
    }
}
