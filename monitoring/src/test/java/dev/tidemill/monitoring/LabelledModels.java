package dev.tidemill.monitoring;

import dev.tidemill.inference.domain.ClassType;
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

/** Runs a version by its number: as a regression that doubles the hour, or as a classifier that knows the afternoon. */
final class LabelledModels implements ModelRuntime {
    static final int REGRESSION = 1;
    /** Answers the probability of yes beside that of no. */
    static final int CLASSIFIER = 4;
    /** Answers no or yes, as scikit-learn's models do. */
    static final int CHOOSING = 5;
    /** Answers 1, 2 or 3. */
    static final int NUMBERED = 6;
    /** Answers a truth. */
    static final int TRUTHS = 7;
    /** Answers a text, and does not name its classes, as ONNX's models do not. */
    static final int UNNAMED = 8;
    /** Answers texts that look like numbers. */
    static final int DIGITS = 10;

    /** Answers one of two neighbouring whole numbers that are one as a double. */
    static final int LARGE = 11;
    /** Answers texts that are spelled like truths. */
    static final int SPELLED = 12;
    /** Answers 1 or 2. */
    static final int FEWER = 13;

    /** Answers the scores of two strings that read as booleans, as our own trainers' models of such a target do. */
    static final int STRINGS = 14;

    static final List<Integer> CLASSIFIERS =
            List.of(CLASSIFIER, CHOOSING, NUMBERED, TRUTHS, UNNAMED, DIGITS, LARGE, SPELLED, FEWER, STRINGS);

    private static final List<String> READ_AS_BOOLEANS = List.of("false", "true");

    private final AtomicBoolean failing = new AtomicBoolean();
    private volatile int without = -1;

    @Override
    public Optional<LoadedModel> open(ModelFolder folder) {
        if (failing.get() || folder.version().version() == without) {
            throw new TidemillException(ErrorCode.FAILED_PRECONDITION, "The process of the model ended");
        }
        return Optional.of(
                switch (folder.version().version()) {
                    case CLASSIFIER -> new Model(Datatype.FP64, true, List.of("no", "yes"));
                    case CHOOSING -> new Model(Datatype.BYTES, false, List.of("no", "yes"));
                    case NUMBERED -> new Model(Datatype.INT64, false, List.of("1", "2", "3"));
                    case TRUTHS -> new Model(Datatype.BOOL, false, List.of("False", "True"));
                    case UNNAMED -> new Model(Datatype.BYTES, false, List.of());
                    case DIGITS -> new Model(Datatype.BYTES, false, List.of("1", "2"));
                    case LARGE -> new Model(Datatype.INT64, false, List.of("9007199254740992", "9007199254740993"));
                    case SPELLED -> new Model(Datatype.BYTES, false, List.of("False", "True", "true"));
                    case FEWER -> new Model(Datatype.INT64, false, List.of("1", "2"));
                    case STRINGS -> new Model(Datatype.FP64, true, READ_AS_BOOLEANS);
                    default -> new Model(Datatype.FP64, false, List.of());
                });
    }

    /** A version that cannot be loaded. */
    void fail(int version) {
        without = version;
    }

    /** Whether models cannot be loaded now. */
    void fail(boolean whether) {
        failing.set(whether);
    }

    private record Model(Datatype answer, boolean answersScores, List<String> classes) implements LoadedModel {
        @Override
        public String platform() {
            return "test";
        }

        @Override
        public ClassType classType() {
            return classes.equals(READ_AS_BOOLEANS) ? ClassType.STRING : ClassType.UNKNOWN;
        }

        @Override
        public List<TensorSpec> inputs() {
            return List.of(new TensorSpec("hour", Datatype.FP64, List.of(-1L), false));
        }

        @Override
        public List<TensorSpec> outputs() {
            return List.of(new TensorSpec("output", answer, List.of(-1L), false));
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
        public List<Object> predict(Map<String, ? extends @Nullable Object> row) {
            double hour = (Double) Objects.requireNonNull(row.get("hour"));
            boolean afternoon = hour % 24 >= 12;
            return switch (answer) {
                case BYTES -> List.of(afternoon ? "yes" : "no");
                case BOOL, INT64 -> List.of(afternoon ? 1.0 : 0.0);
                default -> List.of(2 * hour);
            };
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
