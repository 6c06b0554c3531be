package dev.tidemill.trees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Trees together with the encoding of their named columns: what goes in is what the data calls its columns. Immutable and
 * thread-safe.
 */
public final class TabularModel {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String CLASS_TYPE = "class_type";
    private static final String BOOLEAN = "boolean";

    private final List<InputColumn> columns;
    private final List<Map<String, Integer>> codes = new ArrayList<>();
    private final List<String> classes;
    private final boolean booleans;
    private final TreeEnsemble ensemble;
    private final Objective objective;

    /**
     * @param columns in the order of the trees' inputs
     * @param classes names of the classes of a classifier, in the order of its outputs; empty for a regression
     * @param booleans whether these are the two booleans, and no strings of the same letters
     */
    public TabularModel(List<InputColumn> columns, List<String> classes, boolean booleans, BoostedTrees trees) {
        if (columns.size() != trees.ensemble().features()) {
            throw new UnsupportedModelException("the encoding has " + columns.size() + " columns, the trees take "
                    + trees.ensemble().features());
        }
        this.columns = List.copyOf(columns);
        this.classes = List.copyOf(classes);
        this.booleans = booleans;
        this.ensemble = trees.ensemble();
        if (!(trees.link() instanceof Objective known)) {
            throw new UnsupportedModelException("the trees are not XGBoost's");
        }
        this.objective = known;
        for (InputColumn column : columns) {
            var code = new HashMap<String, Integer>();
            for (int i = 0; i < column.categories().size(); i++) {
                code.put(column.categories().get(i), i);
            }
            codes.add(code);
        }
    }

    /** Puts a model together from the encoding and the trees as they lie in a model folder. */
    public static TabularModel parse(byte[] encoding, byte[] trees) {
        try {
            JsonNode json = MAPPER.readTree(encoding);
            var columns = new ArrayList<InputColumn>();
            for (JsonNode column : json.path("columns")) {
                columns.add(new InputColumn(column.path("name").asText(), texts(column.path("categories"))));
            }
            List<String> classes = texts(json.path("classes"));
            // An encoding that does not tell the type of its classes is judged by their names.
            boolean booleans = json.has(CLASS_TYPE)
                    ? json.path(CLASS_TYPE).asText().equals(BOOLEAN)
                    : classes.equals(List.of("false", "true"));
            return new TabularModel(columns, classes, booleans, XgboostModel.parse(trees));
        } catch (IOException e) {
            throw new UnsupportedModelException("the encoding is not JSON", e);
        }
    }

    private static List<String> texts(JsonNode node) {
        var texts = new ArrayList<String>();
        node.forEach(element -> texts.add(element.asText()));
        return texts;
    }

    /**
     * The encoding as {@link #parse} reads it; equal encodings have equal bytes.
     *
     * @param booleans whether the classes are the two booleans, and no strings of the same letters
     */
    public static byte[] encoding(List<InputColumn> columns, List<String> classes, boolean booleans) {
        ObjectNode json = MAPPER.createObjectNode();
        ArrayNode list = json.putArray("columns");
        for (InputColumn column : columns) {
            ObjectNode entry = list.addObject().put("name", column.name());
            if (column.isText()) {
                column.categories().forEach(entry.putArray("categories")::add);
            }
        }
        classes.forEach(json.putArray("classes")::add);
        if (!classes.isEmpty()) {
            json.put(CLASS_TYPE, booleans ? BOOLEAN : "string");
        }
        try {
            return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(json);
        } catch (IOException impossible) {
            throw new AssertionError("a tree of texts can be written", impossible);
        }
    }

    public List<InputColumn> columns() {
        return columns;
    }

    public Objective objective() {
        return objective;
    }

    public List<String> classes() {
        return classes;
    }

    /** Whether the classes are the two booleans, and no strings of the same letters. */
    public boolean hasBooleanClasses() {
        return booleans;
    }

    /** Encodes one row; a number for a text column is looked up by its text, an unparsable text for a number is missing. */
    public float[] encode(List<? extends @Nullable Object> values) {
        float[] row = new float[columns.size()];
        for (int i = 0; i < row.length; i++) {
            row[i] = encode(i, values.get(i));
        }
        return row;
    }

    /** The number that a text of a column stands for; NaN, which is missing, for one that was not seen in training. */
    public float code(int column, @Nullable String text) {
        Integer code = text == null ? null : codes.get(column).get(text);
        return code == null ? Float.NaN : code;
    }

    /** How many numbers a prediction has. */
    public int outputs() {
        return ensemble.outputs();
    }

    private float encode(int column, @Nullable Object value) {
        if (value == null) {
            return Float.NaN;
        }
        if (columns.get(column).isText()) {
            return code(column, String.valueOf(value));
        }
        if (value instanceof Number number) {
            return number.floatValue();
        }
        if (value instanceof Boolean flag) {
            return flag ? 1 : 0;
        }
        return Float.NaN;
    }

    /** Predicts from an encoded row: one number for a regression or a binary classifier, else one for each class. */
    public double[] predict(float[] row) {
        double[] wide = new double[row.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = row[i];
        }
        return objective.predictions(ensemble.margins(wide));
    }
}
