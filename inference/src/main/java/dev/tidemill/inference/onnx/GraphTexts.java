package dev.tidemill.inference.onnx;

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

/**
 * Where texts go in a graph, judged before it is loaded. Characters of texts lie outside of the memory that {@link OnnxMemory} bounds,
 * so only operators are taken that are known to make no more of them. Two kinds of texts are told apart:
 *
 * <ul>
 *   <li>those of a request, and those that the graph holds and that are long, may be of any length: each may be there a few times;
 *   <li>the graph's own labels are at most {@link #LONGEST} bytes: there may be as many as there are numbers, since the place that each
 *       takes in its tensor is bounded.
 * </ul>
 */
final class GraphTexts {
    /** Longest label of a graph's own, which each row may be answered with. */
    static final int LONGEST = 256;
    /** How often a text of any length may be there. */
    static final int MOST_COPIES = 8;

    private static final int TEXTS = 8;
    private static final String CAST = "Cast";

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
            "Unique",
            "StringNormalizer");
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
            Set.of("TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier", "Unique");
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

    /** What a value may hold: how many copies of each text of any length, and whether labels. */
    private record Holding(Map<String, Integer> copies, boolean labels) {
        static final Holding NOTHING = new Holding(Map.of(), false);
        static final Holding LABELS = new Holding(Map.of(), true);

        static Holding once(String source) {
            return new Holding(Map.of(source, 1), false);
        }

        boolean isText() {
            return labels || !copies.isEmpty();
        }

        Holding with(Holding other) {
            var all = new TreeMap<>(copies);
            other.copies.forEach((source, times) -> all.merge(source, times, Math::addExact));
            return new Holding(all, labels || other.labels);
        }

        Holding times(int times) {
            var all = new TreeMap<>(copies);
            all.replaceAll((source, before) -> Math.multiplyExact(before, times));
            return new Holding(all, labels);
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

    private GraphTexts() {}

    /**
     * Refuses what may make too much of texts.
     *
     * @param inner whether a graph within another, or a function, may have texts of its own
     * @param mentioned names of values that graphs within others take
     * @return how many copies of one text an operator may take apart into words; 0 if there is none that does
     * @throws TidemillException {@code INVALID_ARGUMENT} with the operator that may do it
     */
    static int check(OnnxGraph graph, boolean inner, Set<String> mentioned) {
        var texts = new GraphTexts();
        graph.inputs().stream()
                .filter(input -> input.elementType() == TEXTS)
                .forEach(input -> texts.values.put(input.name(), Holding.once(input.name())));
        graph.inputs().forEach(input -> texts.made.add(input.name()));
        graph.held().forEach(held -> {
            texts.hold(held.name(), held);
            texts.made.add(held.name());
        });
        graph.operations().forEach(texts::follow);
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
        return texts.tokenized;
    }

    private void hold(String name, Held held) {
        if (held.elementType() == TEXTS) {
            values.put(name, held.longestText() > LONGEST ? Holding.once(name) : Holding.LABELS);
        } else if (held.wholes().length > 0) {
            repeats.put(name, mostOften(held.wholes()));
        }
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

    private void follow(Operation operation) {
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
            int outputs = FIRST_ALONE.contains(operation.type())
                    ? Math.min(1, operation.outputs().size())
                    : operation.outputs().size();
            operation.outputs().subList(0, outputs).forEach(output -> values.put(output, result));
        }
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
            return givesLabels(operation) ? Holding.LABELS : Holding.NOTHING;
        }
        // Of labels there may be as many as numbers, of the parts of each many times that.
        if (type.equals(TOKENIZING) && !given.labels()) {
            checkLabels(operation);
            tokenized = Math.max(tokenized, given.most());
            return given.with(Holding.LABELS);
        }
        if (KEEPING.contains(type) || type.equals("Concat")) {
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
                    values.put(output, attribute.longestText() > LONGEST ? Holding.once(output) : Holding.LABELS);
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
