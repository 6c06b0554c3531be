package dev.tidemill.monitoring;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Runs the first version as a regression that doubles the hour, and the second as a classifier of no and yes. */
final class LabelledModels implements ModelRuntime {
    static final int REGRESSION = 1;
    static final int CLASSIFIER = 2;

    private final AtomicBoolean failing = new AtomicBoolean();

    @Override
    public Optional<LoadedModel> open(ModelFolder folder) {
        if (failing.get()) {
            throw new TidemillException(ErrorCode.FAILED_PRECONDITION, "The process of the model ended");
        }
        return Optional.of(new Model(folder.version().version() == CLASSIFIER ? List.of("no", "yes") : List.of()));
    }

    /** Whether models cannot be loaded now. */
    void fail(boolean whether) {
        failing.set(whether);
    }

    private record Model(List<String> classes) implements LoadedModel {
        @Override
        public String platform() {
            return "test";
        }

        @Override
        public List<TensorSpec> inputs() {
            return List.of(new TensorSpec("hour", Datatype.FP64, List.of(-1L), false));
        }

        @Override
        public List<TensorSpec> outputs() {
            return List.of(new TensorSpec("output", Datatype.FP64, List.of(-1L), false));
        }

        @Override
        public List<Tensor> predict(List<Tensor> inputs) {
            Tensor hours = inputs.getFirst();
            var doubled = new double[hours.size()];
            for (int row = 0; row < doubled.length; row++) {
                doubled[row] = 2 * hours.number(row);
            }
            return List.of(Tensor.numbers("output", Datatype.FP64, new long[] {doubled.length}, doubled));
        }

        @Override
        public double[] predict(Map<String, ? extends @Nullable Object> row) {
            return new double[] {2 * (Double) Objects.requireNonNull(row.get("hour"))};
        }

        @Override
        public long bytes() {
            return 1;
        }

        @Override
        public void close() {
            // holds nothing
        }
    }
}
