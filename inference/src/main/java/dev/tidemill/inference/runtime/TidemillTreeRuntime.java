package dev.tidemill.inference.runtime;

import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ModelParameters;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.ParameterSpec;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.trees.InputColumn;
import dev.tidemill.trees.TabularModel;
import dev.tidemill.trees.UnsupportedModelException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Models of our own trainers: trees with the encoding of their named columns beside them. */
public final class TidemillTreeRuntime implements ModelRuntime {
    private static final String TREES = "model.json";

    @Override
    public Optional<LoadedModel> open(ModelFolder folder) {
        if (!folder.has(ModelFiles.ENCODING)) {
            return Optional.empty();
        }
        byte[] trees = folder.read(TREES);
        try {
            var model = TabularModel.parse(folder.read(ModelFiles.ENCODING), trees);
            Map<String, Signature.Field> told =
                    folder.description().signature().map(Signature::inputs).orElse(List.of()).stream()
                            .collect(Collectors.toMap(
                                    Signature.Field::name, Function.identity(), (first, second) -> first));
            return Optional.of(new Model(model, trees.length, told));
        } catch (UnsupportedModelException e) {
            throw folder.unusable(String.valueOf(e.getMessage())).causedBy(e);
        }
    }

    private static final class Model implements LoadedModel {
        private final TabularModel model;
        private final long bytes;
        private final List<TensorSpec> inputs;
        private final int width;

        private Model(TabularModel model, long bytes, Map<String, Signature.Field> told) {
            this.model = model;
            this.bytes = bytes;
            this.inputs = model.columns().stream()
                    .map(column -> spec(column, Optional.ofNullable(told.get(column.name()))))
                    .toList();
            this.width = model.outputs();
        }

        private static TensorSpec spec(InputColumn column, Optional<Signature.Field> told) {
            Datatype numbers =
                    switch (told.map(Signature.Field::type).orElse("")) {
                        case "boolean" -> Datatype.BOOL;
                        case "long" -> Datatype.INT64;
                        default -> Datatype.FP64;
                    };
            return TensorSpec.column(
                            column.name(),
                            column.isText() ? Datatype.BYTES : numbers,
                            told.map(Signature.Field::optional).orElse(false))
                    .withMissing()
                    .withRounding()
                    .withStrict();
        }

        @Override
        public String platform() {
            return "tidemill_trees";
        }

        @Override
        public List<TensorSpec> inputs() {
            return inputs;
        }

        @Override
        public List<TensorSpec> outputs() {
            return List.of(TreeOutputs.spec(Datatype.FP64, width));
        }

        @Override
        public List<ParameterSpec> parameters() {
            return model.classes().isEmpty() ? List.of() : List.of(ModelParameters.PROBABILITIES);
        }

        @Override
        public List<String> classes() {
            return model.classes();
        }

        @Override
        public ClassType classType() {
            if (model.classes().isEmpty()) {
                return ClassType.UNKNOWN;
            }
            return model.hasBooleanClasses() ? ClassType.BOOLEAN : ClassType.STRING;
        }

        @Override
        public List<Tensor> predict(List<Tensor> given) {
            int rows = given.isEmpty() ? 1 : given.getFirst().rows();
            List<InputColumn> columns = model.columns();
            float[][] encoded = new float[rows][columns.size()];
            for (int i = 0; i < columns.size(); i++) {
                Optional<Tensor> column = Tensor.named(given, columns.get(i).name());
                for (int row = 0; row < rows; row++) {
                    encoded[row][i] = column.isEmpty() ? Float.NaN : encoded(i, column.get(), row);
                }
            }
            double[] values = new double[rows * width];
            for (int row = 0; row < rows; row++) {
                System.arraycopy(model.predict(encoded[row]), 0, values, row * width, width);
            }
            return List.of(TreeOutputs.tensor(Datatype.FP64, rows, width, values));
        }

        private float encoded(int column, Tensor tensor, int row) {
            return model.columns().get(column).isText()
                    ? model.code(column, tensor.text(row))
                    : (float) tensor.number(row);
        }

        @Override
        public long bytes() {
            return bytes;
        }

        @Override
        public void close() {
            // Lives on the heap alone.
        }
    }
}
