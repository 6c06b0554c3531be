package dev.tidemill.inference.onnx;

import dev.tidemill.inference.onnx.TextPlan.Bound;
import dev.tidemill.inference.onnx.TextPlan.Count;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.trees.OnnxGraph;
import dev.tidemill.trees.OnnxGraph.Attribute;
import dev.tidemill.trees.OnnxGraph.Held;
import dev.tidemill.trees.OnnxGraph.Operation;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Where texts go in a graph, judged before it is loaded. Characters of texts lie outside of the memory that {@link OnnxMemory} bounds,
 * so only operators are taken that are known to make no more of them. Two kinds of texts are told apart:
 *
 * <ul>
 *   <li>those of a request, and those that the graph holds and that are long, may be of any length: each may be there a few times;
 *   <li>the graph's own labels are at most {@link #LONGEST} bytes: there may be many, each node's number of them bounded by what the
 *       longest takes ({@link TextPlan.Bound}), unless all fit their place in a tensor, which is bounded anyway.
 * </ul>
 */
final class GraphTexts {
    /** Longest label of a graph's own, which each row may be answered with. */
    static final int LONGEST = 256;
    /** How often a text of any length may be there. */
    static final int MOST_COPIES = 8;

    private static final int TEXTS = 8;
    /** More bytes than any machine has. */
    private static final long BEYOND = 1L << 50;

    private static final String CAST = "Cast";

    /** Longest text that a number becomes. */
    private static final int LONGEST_NUMBER = 24;

    private static final String CONCAT = "Concat";
    private static final String NORMALIZING = "StringNormalizer";
    private static final String UNIQUE = "Unique";

    /** Operators that give at most the texts that they are given. */
    private static final Set<String> KEEPING = Set.of(
            "Identity",
            "Reshape",
            "Flatten",
            "Squeeze",
            "Unsqueeze",
            "Transpose",
            "Slice",
            "Split",
            "Compress",
            UNIQUE,
            NORMALIZING);
    /** Operators that give some of the texts of their first input, by the indices of their second. */
    private static final Set<String> PICKING = Set.of("Gather", "GatherND", "GatherElements", "ArrayFeatureExtractor");
    /** Operators that give labels, as many as they are given values. */
    private static final Set<String> LABELLING = Set.of(
            "LabelEncoder",
            "CategoryMapper",
            "TreeEnsembleClassifier",
            "LinearClassifier",
            "SVMClassifier",
            "ZipMap",
            CAST);
    /** Operators of {@link #LABELLING} and {@link #KEEPING} whose first output alone may be texts; the others are numbers. */
    private static final Set<String> FIRST_ALONE =
            Set.of("TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier", UNIQUE);
    /** An operator that gives parts of texts that do not overlap, and labels of its own where a text has fewer than another. */
    private static final String TOKENIZING = "Tokenizer";

    /** Operators that give numbers for texts. */
    private static final Set<String> COUNTING = Set.of(
            "OneHotEncoder",
            "TfIdfVectorizer",
            "Equal",
            "Shape",
            "Size",
            "RegexFullMatch",
            "MurmurHash3",
            "DictVectorizer");

    /**
     * What a value may hold: how many copies of each text of any length, and labels.
     *
     * @param label bytes of the longest label; -1 if there is none
     * @param held how many labels there are at most if the graph itself holds them; 0 if a node bounds how many there are
     */
    private record Holding(Map<String, Integer> copies, int label, long held) {
        static final Holding NOTHING = new Holding(Map.of(), -1, 0);

        static Holding once(String source) {
            return new Holding(Map.of(source, 1), -1, 0);
        }

        static Holding labels(int longest, long held) {
            return new Holding(Map.of(), longest, held);
        }

        boolean isText() {
            return label >= 0 || !copies.isEmpty();
        }

        Holding with(Holding other) {
            var all = new TreeMap<>(copies);
            other.copies.forEach((source, times) -> all.merge(source, times, Math::addExact));
            return new Holding(all, Math.max(label, other.label), sum(held, other.held));
        }

        Holding times(int times) {
            var all = new TreeMap<>(copies);
            all.replaceAll((source, before) -> Math.multiplyExact(before, times));
            return new Holding(all, label, held);
        }

        Holding ofLabels(int longest) {
            return label < 0 ? this : new Holding(copies, longest, held);
        }

        Holding bounded() {
            return new Holding(copies, label, 0);
        }

        int most() {
            return copies.values().stream().mapToInt(Integer::intValue).max().orElse(0);
        }
    }

    private final Map<String, Holding> values = new HashMap<>();
    /** Constant indices by their name: how often the one that is there most often is. */
    private final Map<String, Integer> repeats = new HashMap<>();
    /** Names of values that are there before the next node. */
    private final Set<String> made = new HashSet<>();
    /** The first node that takes what a later one makes. */
    private Optional<Operation> early = Optional.empty();

    /** Most copies of one text that are taken apart into words at a time. */
    private int tokenized;

    /** Copies of each text of any length that all nodes make, by where it comes from. */
    private final Map<String, Integer> copied = new HashMap<>();
    /** Bytes of each long text that the graph holds. */
    private final Map<String, Long> held = new HashMap<>();

    private final Map<Integer, Bound> bounds = new HashMap<>();
    /** Bytes of copies of labels that the graph holds. */
    private long kept;

    private int labelled;
    private int longest = -1;

    private GraphTexts() {}

    /**
     * Refuses what may make too much of texts.
     *
     * @param inner whether a graph within another, or a function, may have texts of its own
     * @param mentioned names of values that graphs within others take
     * @return what its texts may take, and how that is to be bounded
     * @throws TidemillException {@code INVALID_ARGUMENT} with the operator that may do it
     */
    static TextPlan check(OnnxGraph graph, boolean inner, Set<String> mentioned) {
        var texts = new GraphTexts();
        graph.inputs().stream()
                .filter(input -> input.elementType() == TEXTS)
                .forEach(input -> texts.values.put(input.name(), Holding.once(input.name())));
        graph.inputs().forEach(input -> texts.made.add(input.name()));
        graph.held().forEach(held -> {
            texts.hold(held.name(), held);
            texts.made.add(held.name());
        });
        for (int i = 0; i < graph.operations().size(); i++) {
            texts.follow(i, graph.operations().get(i));
        }
        boolean any = inner || texts.values.values().stream().anyMatch(Holding::isText);
        if (any && graph.functions()) {
            throw refusal("functions of its own");
        }
        Optional<Operation> controls =
                graph.operations().stream().filter(Operation::controls).findFirst();
        // A graph within that has no texts, and takes none from around it, is computed with numbers alone.
        boolean shared = mentioned.stream()
                .anyMatch(
                        name -> texts.values.getOrDefault(name, Holding.NOTHING).isText());
        if ((inner || shared) && controls.isPresent()) {
            throw refusal("the operator " + controls.get().type());
        }
        // ONNX Runtime puts nodes into their order itself; they are followed here as they are written.
        if (any && texts.early.isPresent()) {
            throw refusal("the operator " + texts.early.get().type() + " before those that make what it takes");
        }
        return texts.plan();
    }

    private TextPlan plan() {
        long bytes = kept;
        Map<String, Integer> ofInputs = new HashMap<>(copied);
        for (Map.Entry<String, Long> one : held.entrySet()) {
            Integer copies = ofInputs.remove(one.getKey());
            bytes = copies == null ? bytes : sum(bytes, times(copies, one.getValue()));
        }
        return new TextPlan(bounds, labelled, longest, tokenized, ofInputs, bytes);
    }

    private void hold(String name, Held held) {
        if (held.elementType() == TEXTS) {
            long count = held.shape().stream().reduce(1L, GraphTexts::times);
            holdTexts(name, held.longestText(), count);
        } else if (held.wholes().length > 0) {
            repeats.put(name, mostOften(held.wholes()));
        }
    }

    private void holdTexts(String name, int longestText, long count) {
        if (longestText > LONGEST) {
            values.put(name, Holding.once(name));
            held.put(name, times(count, TextPlan.outside(longestText)));
        } else {
            values.put(name, Holding.labels(longestText, Math.max(1, count)));
        }
    }

    /** A product of sizes; what is beyond every memory is told as that. */
    private static long times(long some, long size) {
        return size < 0 || Math.multiplyHigh(some, size) != 0 || some * size > BEYOND || some * size < 0
                ? BEYOND
                : some * size;
    }

    private static long sum(long some, long more) {
        return Math.min(BEYOND, some + more);
    }

    private static int mostOften(long[] wholes) {
        // A place may be told from the front and from the end.
        int most = mostOften(wholes, false) + mostOften(wholes, true);
        return Math.max(1, most);
    }

    private static int mostOften(long[] wholes, boolean fromTheEnd) {
        var times = new HashMap<Long, Integer>();
        for (long whole : wholes) {
            if (whole < 0 == fromTheEnd) {
                times.merge(whole, 1, Integer::sum);
            }
        }
        return times.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    }

    private void follow(int index, Operation operation) {
        if (early.isEmpty()
                && operation.inputs().stream().anyMatch(input -> !input.isEmpty() && !made.contains(input))) {
            early = Optional.of(operation);
        }
        made.addAll(operation.outputs());
        if (operation.type().equals("Constant")) {
            constant(operation);
            return;
        }
        Holding given = Holding.NOTHING;
        for (String input : operation.inputs()) {
            given = given.with(values.getOrDefault(input, Holding.NOTHING));
        }
        Holding result =
                given.isText() || LABELLING.contains(operation.type()) ? made(operation, given) : Holding.NOTHING;
        if (result.most() > MOST_COPIES) {
            throw refusal("the operator " + operation.type());
        }
        if (result.isText()) {
            Holding kept = counted(index, operation, result);
            int outputs = FIRST_ALONE.contains(operation.type())
                    ? Math.min(1, operation.outputs().size())
                    : operation.outputs().size();
            operation.outputs().subList(0, outputs).forEach(output -> values.put(output, kept));
        }
    }

    /** Counts what a node makes of texts, and bounds how many labels it gives. */
    private Holding counted(int index, Operation operation, Holding result) {
        int times = operation.type().equals(UNIQUE) ? 2 : 1;
        result.copies().forEach((source, copies) -> copied.merge(source, times * copies, Math::addExact));
        longest = Math.max(longest, result.label());
        long bytes = times * TextPlan.outsideOfLabel(result.label());
        if (bytes == 0) {
            return KEEPING.contains(operation.type()) ? result : result.bounded();
        }
        boolean keeping = KEEPING.contains(operation.type())
                || operation.type().equals(CAST) && operation.inputs().stream().anyMatch(this::isText);
        if (keeping && result.held() > 0) {
            kept = sum(kept, times(result.held(), bytes));
            return result;
        }
        labelled++;
        // What keeps bounded labels gives no more of them, which are no longer.
        if (!keeping || operation.type().equals(NORMALIZING) || times > 1) {
            bounds.put(index, bound(operation, bytes));
        }
        return result.bounded();
    }

    private boolean isText(String name) {
        return values.getOrDefault(name, Holding.NOTHING).isText();
    }

    private Bound bound(Operation operation, long bytes) {
        int[] joined = {};
        long axis = 0;
        Count count =
                switch (operation.type()) {
                    case "TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier" -> Count.ROWS;
                    case "GatherElements" -> Count.INDICES;
                    case "Gather", "GatherND", "ArrayFeatureExtractor" -> Count.PICKED;
                    case "Where" -> Count.BROADCAST;
                    case CONCAT -> Count.JOINED;
                    default -> Count.VALUES;
                };
        if (count == Count.PICKED) {
            // A place of GatherND is one of the first dimension, or fewer values.
            axis = operation.type().equals("ArrayFeatureExtractor")
                    ? -1
                    : operation.type().equals("Gather") ? operation.whole("axis", 0) : 0;
        } else if (count == Count.JOINED) {
            joined = IntStream.range(0, operation.inputs().size())
                    .filter(place -> values.getOrDefault(operation.inputs().get(place), Holding.NOTHING)
                                    .label()
                            >= 0)
                    .toArray();
        }
        return new Bound(count, bytes, axis, joined);
    }

    private Holding made(Operation operation, Holding given) {
        String type = operation.type();
        if (COUNTING.contains(type)) {
            return Holding.NOTHING;
        }
        if (type.equals(CAST) && given.isText() && givesLabels(operation)) {
            return given;
        }
        if (LABELLING.contains(type)) {
            checkLabels(operation);
            return givesLabels(operation) ? Holding.labels(longestLabel(operation), 0) : Holding.NOTHING;
        }
        // Of labels there may be as many as numbers, of the parts of each many times that.
        if (type.equals(TOKENIZING) && given.label() < 0) {
            checkFilling(operation);
            tokenized = Math.max(tokenized, given.most());
            return given.with(Holding.labels(0, 0));
        }
        if (type.equals(NORMALIZING)) {
            // A letter may have more bytes in the other case.
            return given.ofLabels(Math.min(4 * LONGEST, 2 * given.label()));
        }
        if (KEEPING.contains(type) || type.equals(CONCAT)) {
            return given;
        }
        if (PICKING.contains(type) || type.equals("Where")) {
            if (given.copies().isEmpty()) {
                return given;
            }
            Integer times = operation.inputs().size() == 2 && !type.equals("Where")
                    ? repeats.get(operation.inputs().get(1))
                    : null;
            if (times != null) {
                return given.times(times);
            }
        }
        throw refusal("the operator " + type);
    }

    /** Bytes of the longest label that an operator gives. */
    private static int longestLabel(Operation operation) {
        if (operation.type().equals(CAST)) {
            return LONGEST_NUMBER;
        }
        return operation.attributes().values().stream()
                .filter(attribute -> !attribute.name().startsWith("keys"))
                .mapToInt(Attribute::longestText)
                .max()
                .orElse(0);
    }

    /** There may be as many fillings as the text of most words has words, for every text. */
    private static void checkFilling(Operation operation) {
        checkLabels(operation);
        int filling =
                operation.attribute("pad_value").map(Attribute::longestText).orElse(0);
        if (TextPlan.outside(filling) > 0) {
            throw TidemillException.invalid(
                    "model",
                    "its operator " + operation.type() + " fills up texts of few words with a text of " + filling
                            + " bytes (pad_value), which may be there any number of times; at most "
                            + TextPlan.INLINE + " bytes are taken");
        }
    }

    private static boolean givesLabels(Operation operation) {
        if (operation.type().equals(CAST)) {
            return operation.whole("to", 0) == TEXTS;
        }
        Map<String, Attribute> attributes = operation.attributes();
        return attributes.values().stream()
                        .anyMatch(attribute -> attribute.name().contains("strings")
                                && !attribute.name().startsWith("keys")
                                && !attribute.texts().isEmpty())
                || attributes.values().stream()
                        .anyMatch(attribute -> attribute.name().startsWith("values_tensor")
                                && attribute
                                        .tensor()
                                        .filter(held -> held.elementType() == TEXTS)
                                        .isPresent());
    }

    private static void checkLabels(Operation operation) {
        for (Attribute attribute : operation.attributes().values()) {
            if (attribute.longestText() > LONGEST) {
                throw TidemillException.invalid(
                        "model",
                        "its operator " + operation.type() + " holds a text of " + attribute.longestText()
                                + " bytes, which each row may be answered with; at most " + LONGEST + " are taken");
            }
        }
    }

    private void constant(Operation operation) {
        for (Attribute attribute : operation.attributes().values()) {
            for (String output : operation.outputs()) {
                attribute.tensor().ifPresent(held -> hold(output, held));
                boolean texts = attribute.name().equals("value_string")
                        || !attribute.texts().isEmpty();
                if (texts) {
                    holdTexts(
                            output,
                            attribute.longestText(),
                            Math.max(1, attribute.texts().size()));
                } else if (attribute.wholes().length > 0) {
                    repeats.put(output, mostOften(attribute.wholes()));
                }
            }
        }
    }

    private static TidemillException refusal(String what) {
        return TidemillException.invalid(
                "model", "it has texts and " + what + ", which may make texts of any length of them");
    }
}
