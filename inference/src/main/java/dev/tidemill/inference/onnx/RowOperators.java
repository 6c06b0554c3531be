package dev.tidemill.inference.onnx;

import dev.tidemill.inference.onnx.RowAnalysis.Fact;
import dev.tidemill.inference.onnx.RowAnalysis.Mixed;
import dev.tidemill.trees.OnnxGraph;
import dev.tidemill.trees.OnnxGraph.Operation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The operators that leave rows apart, and when: the allow-list of {@link RowAnalysis}. Semantics and defaults are those of ONNX's
 * operator reference, of version 9 on; axes may be given as an attribute (older) or as a constant input (newer).
 *
 * <p>Two kinds are listed with a care beside mathematics. ONNX Runtime computes some functions ({@code Log}, {@code Elu}, {@code Sin},
 * of doubles also {@code Exp} and {@code Tanh}) several values at a time and the last few of a buffer one by one, in another way: their last bits
 * depend on where in the buffer a row stands. Those are not listed. Others are so computed for floats only as to be the same everywhere
 * ({@link #FLOATS}).
 *
 * <p>Reductions of floats along a row are not listed: ONNX Runtime has them from Eigen, which takes the first values of a row one by
 * one until it stands at an address that its vectors are aligned to, so that the order of the sum, and which of several NaN is met
 * first, depends on where in memory the row begins. Reductions of whole numbers are exact in any order. What multiplies matrices, pools
 * or normalizes goes through a row by the index of its values, whatever their address ({@code MlasGemm}, {@code MlasComputeSoftmax},
 * {@code MlasPool}); which kernel multiplies does depend on the number of rows, which is for {@link RowTrial} to find.
 */
final class RowOperators {
    private static final String ML = "ai.onnx.ml";
    private static final int OLDEST = 9;
    private static final int BOOL = 9;
    private static final int INT64 = 7;

    /** Each value by itself, to the same bits wherever it stands. */
    private static final Set<String> ALONE = Set.of(
            "Abs",
            "BitwiseNot",
            "Ceil",
            "Floor",
            "HardSigmoid",
            "HardSwish",
            "Identity",
            "LeakyRelu",
            "Neg",
            "Not",
            "Reciprocal",
            "Relu",
            "Round",
            "Sign",
            "Softsign",
            "Sqrt",
            "ThresholdedRelu");

    /** Each value by itself, to the same bits if it is a float. */
    private static final Set<String> FLOATS = Set.of("Erf", "Exp", "Gelu", "Sigmoid", "Tanh");

    private static final Set<String> BROADCAST = Set.of(
            "Add",
            "And",
            "BitShift",
            "BitwiseAnd",
            "BitwiseOr",
            "BitwiseXor",
            "Div",
            "Max",
            "Mean",
            "Min",
            "Mod",
            "Mul",
            "Or",
            "PRelu",
            "Pow",
            "Sub",
            "Sum",
            "Xor");

    private static final Set<String> COMPARISONS =
            Set.of("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor");

    private static final Set<String> REDUCTIONS = Set.of(
            "ReduceL1",
            "ReduceL2",
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSum",
            "ReduceSumSquare");

    /** ONNX's numbers of the types of whole numbers: of 8, 16, 32 and 64 bits, unsigned and signed; and of truths. */
    private static final Set<Integer> WHOLE_TYPES = Set.of(2, 3, 4, 5, 6, 7, BOOL, 12, 13);

    /** Planes of an image, each image by itself; sizes of what comes out are not followed. */
    private static final Set<String> IMAGES = Set.of(
            "AveragePool",
            "Conv",
            "ConvTranspose",
            "DepthToSpace",
            "GlobalAveragePool",
            "GlobalMaxPool",
            "MaxPool",
            "SpaceToDepth");

    private static final Set<String> CHANCE = Set.of(
            "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike");

    private RowOperators() {}

    /**
     * What comes out of an operator.
     *
     * @param given what is known of its inputs; null for one that is left out
     * @throws Mixed if it is not known to leave rows apart; says why
     */
    static List<Fact> apply(Operation operation, List<@Nullable Fact> given, long opset) {
        String type = operation.type();
        if (operation.controls()) {
            throw new Mixed("holds a graph of its own");
        }
        if (CHANCE.contains(type)) {
            throw new Mixed("draws random numbers");
        }
        boolean own = operation.domain().isEmpty() || operation.domain().equals("ai.onnx");
        if (!own && !operation.domain().equals(ML)) {
            throw new Mixed("of domain '" + operation.domain() + "' is not known to answer row by row");
        }
        if (own && opset < OLDEST) {
            throw new Mixed("is of version " + opset + " of ONNX's operators; those of " + OLDEST + " on are known");
        }
        if (given.stream().noneMatch(one -> one != null && one.rows())) {
            Fact constant = type.equals("Constant")
                    ? operation
                            .attribute("value")
                            .flatMap(OnnxGraph.Attribute::tensor)
                            .map(Fact::constant)
                            .orElseGet(() -> list(operation))
                    : Fact.constant();
            return operation.outputs().stream().map(unused -> constant).toList();
        }
        return new RowOperator(operation, given, opset).made(own);
    }

    /** A constant that is given as a number or a list. */
    private static Fact list(Operation operation) {
        if (operation.has("value_ints")) {
            long[] wholes = operation.wholes("value_ints");
            return new Fact(false, INT64, java.util.Optional.of(List.of((long) wholes.length)), wholes);
        }
        if (operation.has("value_int")) {
            return new Fact(
                    false, INT64, java.util.Optional.of(List.of()), new long[] {operation.whole("value_int", 0)});
        }
        if (operation.has("value_float") || operation.has("value_string")) {
            return new Fact(false, 0, java.util.Optional.of(List.of()), new long[0]);
        }
        return Fact.constant();
    }

    /** One operator with what it is given. */
    private static final class RowOperator {
        private final Operation operation;
        private final List<@Nullable Fact> given;
        private final long opset;

        private RowOperator(Operation operation, List<@Nullable Fact> given, long opset) {
            this.operation = operation;
            this.given = given;
            this.opset = opset;
        }

        private List<Fact> made(boolean own) {
            if (!own) {
                return learned();
            }
            return operation.type().equals("Split") ? split() : List.of(core());
        }

        private Fact core() {
            String type = operation.type();
            if (ALONE.contains(type)) {
                return rows(0);
            }
            if (FLOATS.contains(type)) {
                return floats(type);
            }
            if (BROADCAST.contains(type) || COMPARISONS.contains(type)) {
                return broadcast(given, COMPARISONS.contains(type) ? BOOL : type(0));
            }
            if (REDUCTIONS.contains(type)) {
                onlyWholes(type);
                return reduced(axes("axes", 1), operation.whole("keepdims", 1) != 0, type(0));
            }
            if (IMAGES.contains(type)) {
                return image();
            }
            return switch (type) {
                case "ArgMax", "ArgMin" ->
                    reduced(new long[] {operation.whole("axis", 0)}, operation.whole("keepdims", 1) != 0, INT64);
                case "BatchNormalization" -> normalized();
                case "Cast" -> Fact.rows((int) operation.whole("to", 0), rows(0).sizes());
                case "Clip" -> {
                    constants(1);
                    yield rows(0);
                }
                case "Concat" -> concatenated();
                case "CumSum" -> {
                    apart(wholes(1, "axis"), rows(0).rank());
                    yield rows(0);
                }
                case "DequantizeLinear", "QuantizeLinear" -> quantized(type.equals("QuantizeLinear"));
                case "Dropout" -> dropout();
                case "Expand" -> expanded();
                case "Flatten" -> flattened();
                case "Gather" -> gathered();
                case "Gemm" -> gemm();
                case "IsInf", "IsNaN" -> Fact.rows(BOOL, rows(0).sizes());
                case "LayerNormalization" -> {
                    onlyFloats("LayerNormalization");
                    constants(1);
                    apart(new long[] {operation.whole("axis", -1)}, rows(0).rank());
                    yield rows(0);
                }
                case "LogSoftmax", "Softmax" -> {
                    onlyFloats(type);
                    apart(new long[] {operation.whole("axis", opset < 13 ? 1 : -1)}, rows(0).rank());
                    yield rows(0);
                }
                case "MatMul" -> multiplied();
                case "OneHot" -> oneHot();
                case "Pad" -> padded();
                case "Reshape" -> reshaped();
                case "Slice" -> sliced();
                case "Squeeze" -> squeezed();
                case "Tile" -> tiled();
                case "Transpose" -> transposed();
                case "Unsqueeze" -> unsqueezed();
                case "Where" -> broadcast(given, type(1));
                case "DynamicQuantizeLinear" -> throw new Mixed("scales by the range of all rows");
                default -> throw new Mixed("is not known to answer row by row");
            };
        }

        /** Operators of {@code ai.onnx.ml}. */
        private List<Fact> learned() {
            return switch (operation.type()) {
                case "Binarizer", "Normalizer", "Scaler", "Imputer" -> {
                    Fact rows = rows(0);
                    if (rows.rank() > 2 || rows.rank() < 2) {
                        throw new Mixed("takes " + rows.rank() + " dimensions; 2 are known to be row by row");
                    }
                    yield List.of(Fact.rows(OnnxGraph.FLOAT, rows.sizes()));
                }
                case "LabelEncoder", "CategoryMapper" -> List.of(Fact.rows(0, rows(0).sizes()));
                case "OneHotEncoder" -> List.of(Fact.rows(OnnxGraph.FLOAT, appended(rows(0).sizes(), -1)));
                case "ArrayFeatureExtractor" -> {
                    constants(1);
                    Fact rows = rows(0);
                    if (rows.rank() < 2) {
                        throw new Mixed("takes from a list of rows");
                    }
                    yield List.of(Fact.rows(rows.elementType(), open(rows.sizes(), rows.rank() - 1)));
                }
                case "LinearRegressor", "TreeEnsembleRegressor", "TreeEnsemble" ->
                    List.of(Fact.rows(matrix().elementType(), List.of(-1L, -1L)));
                case "LinearClassifier", "TreeEnsembleClassifier" -> {
                    matrix();
                    yield List.of(Fact.rows(0, List.of(-1L)), Fact.rows(OnnxGraph.FLOAT, List.of(-1L, -1L)));
                }
                // A map for each row, which is read as a row of a matrix.
                case "ZipMap" -> List.of(Fact.rows(0, List.of(-1L, -1L)));
                default -> throw new Mixed("is not known to answer row by row");
            };
        }

        private Fact matrix() {
            Fact rows = rows(0);
            if (rows.rank() != 2) {
                throw new Mixed("takes " + rows.rank() + " dimensions; 2 are known to be row by row");
            }
            return rows;
        }

        private Fact fact(int input) {
            Fact fact = input < given.size() ? given.get(input) : null;
            if (fact == null) {
                throw new Mixed("has no input " + input);
            }
            return fact;
        }

        /** An input that must have rows. */
        private Fact rows(int input) {
            Fact fact = fact(input);
            if (!fact.rows()) {
                throw new Mixed("takes rows where a constant is known to leave them apart");
            }
            fact.sizes();
            return fact;
        }

        private int type(int input) {
            return fact(input).elementType();
        }

        /** All inputs from one on must be constant. */
        private void constants(int from) {
            for (int i = from; i < given.size(); i++) {
                Fact one = given.get(i);
                if (one != null && one.rows()) {
                    throw new Mixed("takes input " + i + " from the rows; only a constant leaves them apart");
                }
            }
        }

        private long[] wholes(int input, String what) {
            Fact fact = fact(input);
            if (fact.rows() || fact.wholes().length == 0) {
                throw new Mixed("takes its " + what + " from what is computed");
            }
            return fact.wholes();
        }

        /** Axes as an attribute, or as a constant input; none if there are none. */
        private long[] axes(String attribute, int input) {
            if (operation.has(attribute)) {
                return operation.wholes(attribute);
            }
            return input < given.size() && given.get(input) != null ? wholes(input, attribute) : new long[0];
        }

        /** None of the axes may be that of the rows; gives them counted from the front. */
        private static long[] apart(long[] axes, int rank) {
            long[] positive = LongStream.of(axes)
                    .map(axis -> axis < 0 ? axis + rank : axis)
                    .toArray();
            for (long axis : positive) {
                if (axis <= 0 || axis >= rank) {
                    throw new Mixed("works along the rows (axis " + axis + " of " + rank + ")");
                }
            }
            return positive;
        }

        private void onlyFloats(String type) {
            if (type(0) != OnnxGraph.FLOAT) {
                throw new Mixed(type + " of another type than float may differ in its last bits by where a row stands");
            }
        }

        private void onlyWholes(String type) {
            if (!WHOLE_TYPES.contains(type(0))) {
                throw new Mixed("sums floats in an order that depends on where in memory a row stands");
            }
        }

        private Fact floats(String type) {
            onlyFloats(type);
            return rows(0);
        }

        /** The last dimensions are matched; that of the rows must meet nothing but rows, or one value for all of them. */
        private static Fact broadcast(List<@Nullable Fact> operands, int type) {
            int rank = 0;
            for (Fact one : operands) {
                rank = one == null ? rank : Math.max(rank, one.rank());
            }
            Long[] sizes = new Long[rank];
            Arrays.fill(sizes, 1L);
            for (Fact one : operands) {
                if (one == null) {
                    continue;
                }
                List<Long> shape = one.sizes();
                if (one.rows() && shape.size() != rank) {
                    throw new Mixed("matches the rows with another dimension");
                }
                if (!one.rows() && shape.size() == rank && shape.getFirst() != 1) {
                    throw new Mixed("matches the rows with a constant of " + shape.getFirst());
                }
                for (int i = 0; i < shape.size(); i++) {
                    int at = rank - shape.size() + i;
                    long size = shape.get(i);
                    sizes[at] = sizes[at] == 1 ? (Long) size : size == 1 ? sizes[at] : (Long) Math.max(size, sizes[at]);
                }
            }
            return Fact.rows(type, List.of(sizes));
        }

        private Fact reduced(long[] axes, boolean keep, int type) {
            Fact rows = rows(0);
            if (axes.length == 0) {
                throw new Mixed("works over all rows");
            }
            long[] apart = apart(axes, rows.rank());
            List<Long> sizes = new ArrayList<>();
            for (int i = 0; i < rows.rank(); i++) {
                int at = i;
                boolean gone = LongStream.of(apart).anyMatch(axis -> axis == at);
                if (!gone || keep) {
                    sizes.add(gone ? 1L : rows.sizes().get(i));
                }
            }
            return Fact.rows(type, sizes);
        }

        private Fact image() {
            Fact rows = rows(0);
            constants(1);
            if (rows.rank() < 3) {
                throw new Mixed("takes " + rows.rank() + " dimensions");
            }
            if (operation.outputs().size() > 1) {
                throw new Mixed("gives positions among all rows");
            }
            List<Long> sizes = new ArrayList<>(rows.sizes());
            boolean global = operation.type().startsWith("Global");
            for (int i = 1; i < sizes.size(); i++) {
                sizes.set(i, i == 1 && operation.type().endsWith("Pool") ? sizes.get(1) : global ? 1L : -1L);
            }
            return Fact.rows(rows.elementType(), sizes);
        }

        private Fact normalized() {
            constants(1);
            if (operation.whole("training_mode", 0) != 0 || operation.outputs().size() > 1) {
                throw new Mixed("is in training mode and works over all rows");
            }
            if (rows(0).rank() < 2) {
                throw new Mixed("takes a list of rows");
            }
            return rows(0);
        }

        private Fact dropout() {
            if (given.size() > 2 && given.get(2) != null || operation.outputs().size() > 1) {
                throw new Mixed("may be in training mode and draw random numbers");
            }
            return rows(0);
        }

        private Fact concatenated() {
            int rank = rows(0).rank();
            int axis = (int) apart(new long[] {operation.whole("axis", 0)}, rank)[0];
            List<Long> sizes = new ArrayList<>(rows(0).sizes());
            for (int i = 1; i < given.size(); i++) {
                if (rows(i).rank() != rank) {
                    throw new Mixed("joins values of " + rank + " and " + rows(i).rank() + " dimensions");
                }
                long more = rows(i).sizes().get(axis);
                long now = sizes.get(axis);
                sizes.set(axis, now < 0 || more < 0 ? -1L : now + more);
            }
            return Fact.rows(type(0), sizes);
        }

        private List<Fact> split() {
            constants(1);
            Fact rows = rows(0);
            int axis = (int) apart(new long[] {operation.whole("axis", 0)}, rows.rank())[0];
            Fact part = Fact.rows(type(0), open(rows.sizes(), axis));
            return operation.outputs().stream().map(unused -> part).toList();
        }

        private Fact quantized(boolean narrows) {
            constants(1);
            Fact rows = rows(0);
            if (fact(1).rank() > 0 && !fact(1).sizes().equals(List.of(1L))) {
                apart(new long[] {operation.whole("axis", 1)}, rows.rank());
            }
            return Fact.rows(narrows ? 0 : OnnxGraph.FLOAT, rows.sizes());
        }

        private Fact expanded() {
            Fact rows = rows(0);
            long[] wanted = wholes(1, "shape");
            if (wanted.length > rows.rank() || wanted.length == rows.rank() && wanted[0] != 1) {
                throw new Mixed("may repeat the rows");
            }
            List<Long> sizes = new ArrayList<>(rows.sizes());
            for (int i = 0; i < wanted.length; i++) {
                int at = rows.rank() - wanted.length + i;
                sizes.set(at, wanted[i] == 1 ? sizes.get(at) : (Long) wanted[i]);
            }
            return Fact.rows(type(0), sizes);
        }

        private Fact flattened() {
            Fact rows = rows(0);
            long axis = operation.whole("axis", 1);
            if ((axis < 0 ? axis + rows.rank() : axis) != 1) {
                throw new Mixed("joins the rows with another dimension");
            }
            return Fact.rows(type(0), List.of(-1L, width(rows)));
        }

        /** Values in a row; -1 if that is not known. */
        private static long width(Fact rows) {
            long width = 1;
            for (int i = 1; i < rows.rank(); i++) {
                long size = rows.sizes().get(i);
                if (size < 0) {
                    return -1;
                }
                width *= size;
            }
            return width;
        }

        private Fact gathered() {
            long axis = operation.whole("axis", 0);
            Fact data = fact(0);
            Fact positions = fact(1);
            if (!data.rows()) {
                if ((axis < 0 ? axis + data.rank() : axis) != 0) {
                    throw new Mixed("puts the rows behind another dimension");
                }
                List<Long> sizes = new ArrayList<>(rows(1).sizes());
                sizes.addAll(data.sizes().subList(1, data.rank()));
                return Fact.rows(data.elementType(), sizes);
            }
            if (positions.rows()) {
                throw new Mixed("takes from rows at places that come from rows");
            }
            int at = (int) apart(new long[] {axis}, data.rank())[0];
            List<Long> sizes = new ArrayList<>(data.sizes().subList(0, at));
            sizes.addAll(positions.sizes());
            sizes.addAll(data.sizes().subList(at + 1, data.rank()));
            return Fact.rows(data.elementType(), sizes);
        }

        private Fact gemm() {
            Fact rows = rows(0);
            if (operation.whole("transA", 0) != 0 || fact(1).rows() || rows.rank() != 2) {
                throw new Mixed("multiplies rows with rows");
            }
            if (given.size() > 2 && given.get(2) != null) {
                Fact more = fact(2);
                boolean forAll =
                        !more.rows() && (more.rank() < 2 || more.sizes().getFirst() == 1);
                if (!forAll && !(more.rows() && more.rank() == 2)) {
                    throw new Mixed("adds a constant by row");
                }
            }
            List<Long> weights = fact(1).sizes();
            return Fact.rows(type(0), List.of(-1L, weights.get(operation.whole("transB", 0) != 0 ? 0 : 1)));
        }

        private Fact multiplied() {
            Fact left = rows(0);
            Fact right = fact(1);
            int rank = left.rank();
            boolean plain = !right.rows() && right.rank() >= 2 && (right.rank() < rank || right.rank() == 2);
            boolean forAll = !right.rows()
                    && right.rank() == rank
                    && rank > 2
                    && right.sizes().getFirst() == 1;
            boolean each = right.rows() && right.rank() == rank && rank > 2;
            if (rank < 2 || !plain && !forAll && !each) {
                throw new Mixed("multiplies rows with rows");
            }
            List<Long> sizes = new ArrayList<>(left.sizes());
            sizes.set(rank - 1, right.sizes().getLast());
            for (int i = 1; i < rank - 2; i++) {
                // Dimensions between may be widened by the other side.
                sizes.set(i, right.rank() > 2 ? (Long) (-1L) : sizes.get(i));
            }
            return Fact.rows(type(0), sizes);
        }

        private Fact oneHot() {
            constants(1);
            int rank = rows(0).rank() + 1;
            long axis = operation.whole("axis", -1);
            int at = (int) apart(new long[] {axis}, rank)[0];
            List<Long> sizes = new ArrayList<>(rows(0).sizes());
            sizes.add(at, -1L);
            return Fact.rows(type(2), sizes);
        }

        private Fact padded() {
            Fact rows = rows(0);
            constants(1);
            long[] pads = operation.has("pads") ? operation.wholes("pads") : wholes(1, "pads");
            boolean some = given.size() > 3 && given.get(3) != null;
            if (some || pads.length != 2 * rows.rank() || pads[0] != 0 || pads[rows.rank()] != 0) {
                throw new Mixed("may add rows");
            }
            List<Long> sizes = new ArrayList<>(rows.sizes());
            for (int i = 1; i < rows.rank(); i++) {
                long size = sizes.get(i);
                sizes.set(i, size < 0 ? -1L : size + pads[i] + pads[rows.rank() + i]);
            }
            return Fact.rows(type(0), sizes);
        }

        /** The first dimension must stay, and so must the number of values in a row. */
        private Fact reshaped() {
            Fact rows = rows(0);
            long[] wanted = wholes(1, "shape");
            boolean copies = operation.whole("allowzero", 0) == 0;
            List<Long> sizes = new ArrayList<>(List.of(-1L));
            long width = 1;
            for (int i = 1; i < wanted.length; i++) {
                long size = wanted[i] == 0 && copies && i < rows.rank()
                        ? rows.sizes().get(i)
                        : wanted[i];
                width = size < 0 || width < 0 ? -1 : width * size;
                sizes.add(size);
            }
            if (wanted[0] == 0 && copies) {
                return Fact.rows(type(0), inferred(sizes, width(rows)));
            }
            if (width < 0 || width != width(rows)) {
                throw new Mixed("may join the rows with another dimension");
            }
            return Fact.rows(type(0), sizes);
        }

        /** Fills in the one size that is left open, where the values of a row are known. */
        private static List<Long> inferred(List<Long> sizes, long width) {
            long known = 1;
            int open = -1;
            for (int i = 1; i < sizes.size(); i++) {
                if (sizes.get(i) >= 0) {
                    known *= sizes.get(i);
                } else if (open >= 0) {
                    return sizes;
                } else {
                    open = i;
                }
            }
            if (open > 0 && width >= 0 && known > 0) {
                sizes.set(open, width / known);
            }
            return sizes;
        }

        private Fact sliced() {
            Fact rows = rows(0);
            constants(1);
            long[] axes = axes("axes", 3);
            if (axes.length == 0) {
                throw new Mixed("takes some of the rows");
            }
            List<Long> sizes = new ArrayList<>(rows.sizes());
            for (long axis : apart(axes, rows.rank())) {
                sizes.set((int) axis, -1L);
            }
            return Fact.rows(type(0), sizes);
        }

        private Fact squeezed() {
            Fact rows = rows(0);
            long[] axes = axes("axes", 1);
            if (axes.length == 0) {
                throw new Mixed("drops the dimension of a single row");
            }
            long[] apart = apart(axes, rows.rank());
            List<Long> sizes = new ArrayList<>();
            for (int i = 0; i < rows.rank(); i++) {
                int at = i;
                if (LongStream.of(apart).noneMatch(axis -> axis == at)) {
                    sizes.add(rows.sizes().get(i));
                }
            }
            return Fact.rows(type(0), sizes);
        }

        private Fact unsqueezed() {
            Fact rows = rows(0);
            long[] axes = axes("axes", 1);
            int rank = rows.rank() + axes.length;
            List<Long> sizes = new ArrayList<>(rows.sizes());
            for (long axis : Arrays.stream(apart(axes, rank)).sorted().toArray()) {
                sizes.add((int) axis, 1L);
            }
            return Fact.rows(type(0), sizes);
        }

        private Fact tiled() {
            long[] repeats = wholes(1, "repeats");
            Fact rows = rows(0);
            if (repeats.length != rows.rank() || repeats[0] != 1) {
                throw new Mixed("repeats the rows");
            }
            List<Long> sizes = new ArrayList<>(rows.sizes());
            for (int i = 1; i < repeats.length; i++) {
                sizes.set(i, sizes.get(i) < 0 ? (Long) (-1L) : (Long) (sizes.get(i) * repeats[i]));
            }
            return Fact.rows(type(0), sizes);
        }

        private Fact transposed() {
            long[] order = operation.wholes("perm");
            Fact rows = rows(0);
            if (order.length != rows.rank() || order[0] != 0) {
                throw new Mixed("moves the dimension of the rows");
            }
            return Fact.rows(
                    type(0),
                    LongStream.of(order)
                            .mapToObj(from -> rows.sizes().get((int) from))
                            .toList());
        }

        private static List<Long> appended(List<Long> sizes, long size) {
            List<Long> more = new ArrayList<>(sizes);
            more.add(size);
            return more;
        }

        private static List<Long> open(List<Long> sizes, int dimension) {
            List<Long> opened = new ArrayList<>(sizes);
            opened.set(dimension, -1L);
            return opened;
        }
    }
}
