package dev.tidemill.wires.oip;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.POJONode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Place;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Rows and columns as people and older protocols write them in JSON, read as tensors. */
final class RowsJson {
    private static final String ONLY = "input";
    private static final Set<Datatype> FLOATING = Set.of(Datatype.FP64, Datatype.FP32, Datatype.FP16, Datatype.BF16);
    private static final Base64.Encoder LINES = Base64.getMimeEncoder(76, new byte[] {'\n'});
    /** The whole numbers of every datatype are below. */
    private static final double MOST_WHOLE = 0x1p64;

    private RowsJson() {}

    /** Reads a body whose numbers are kept as they are written, so that {@link #scalar} knows what a double would lose. */
    static JsonNode parse(byte[] body) {
        return parse(Json.objectMapper().reader().with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS), body);
    }

    private static JsonNode parse(ObjectReader reader, byte[] body) {
        Json.requireThere(body);
        try {
            return reader.readTree(body);
        } catch (JsonProcessingException e) {
            throw new TidemillException(ErrorCode.INVALID_ARGUMENT, "The body is not JSON: " + e.getOriginalMessage())
                    .causedBy(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A value as Java has it: texts, truths, numbers, lists and maps. */
    static Object plain(JsonNode value) {
        return Json.objectMapper().convertValue(Json.read(Json.write(value)), Object.class);
    }

    /** Rows: objects by column, lists of as many values each, or single values. */
    static List<Tensor> rows(JsonNode rows, String field) {
        if (!rows.isArray() || rows.isEmpty()) {
            throw TidemillException.invalid(field, "'" + field + "' must be a list of at least one row");
        }
        return rows.get(0).isObject() ? records(rows, field) : List.of(nested(ONLY, rows));
    }

    private static List<Tensor> records(JsonNode rows, String field) {
        Map<String, List<@Nullable Object>> columns = new LinkedHashMap<>();
        int count = 0;
        for (JsonNode row : rows) {
            if (!row.isObject()) {
                throw TidemillException.invalid(
                        field, "Row " + count + " of '" + field + "' is not an object, the first is");
            }
            int before = count;
            row.properties().forEach(entry -> {
                List<@Nullable Object> column = columns.computeIfAbsent(entry.getKey(), name -> missing(before));
                column.add(scalar(entry.getKey(), entry.getValue()));
            });
            count++;
            for (List<@Nullable Object> column : columns.values()) {
                if (column.size() < count) {
                    column.add(null);
                }
            }
        }
        if (columns.isEmpty()) {
            throw TidemillException.invalid(
                    field, "The rows of '" + field + "' hold no value; a row is an object with a value by column");
        }
        return columns(columns);
    }

    private static List<@Nullable Object> missing(int count) {
        List<@Nullable Object> column = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            column.add(null);
        }
        return column;
    }

    static List<Tensor> columns(Map<String, List<@Nullable Object>> columns) {
        return columns.entrySet().stream()
                .map(column -> ColumnValues.column(column.getKey(), column.getValue()))
                .toList();
    }

    /** Columns by name, each a list of values or of lists. */
    static List<Tensor> named(JsonNode columns, String field) {
        List<Tensor> tensors = new ArrayList<>();
        columns.properties().forEach(column -> {
            JsonNode values = column.getValue().isArray()
                    ? column.getValue()
                    : Json.array().add(column.getValue());
            tensors.add(nested(column.getKey(), values));
        });
        if (tensors.isEmpty()) {
            throw TidemillException.invalid(field, "'" + field + "' names no column");
        }
        return tensors;
    }

    /** A list, nested to any depth as long as it is regular. */
    static Tensor nested(String name, JsonNode list) {
        List<Long> shape = new ArrayList<>();
        JsonNode level = list;
        while (level.isArray() && shape.size() < 16) {
            shape.add((long) level.size());
            level = level.isEmpty() ? Json.objectMapper().nullNode() : level.get(0);
        }
        List<@Nullable Object> values = new ArrayList<>();
        flatten(name, list, shape, 0, values);
        long[] sizes = shape.stream().mapToLong(Long::longValue).toArray();
        return ColumnValues.column(name, values).as(name, sizes);
    }

    private static void flatten(
            String name, JsonNode list, List<Long> shape, int depth, List<@Nullable Object> values) {
        boolean regular = list.isArray() && depth < shape.size() && list.size() == shape.get(depth);
        if (!regular) {
            throw TidemillException.invalid(name, "The lists of '" + name + "' are not all of the same length");
        }
        for (JsonNode element : list) {
            if (depth + 1 < shape.size()) {
                flatten(name, element, shape, depth + 1, values);
            } else {
                values.add(scalar(name, element));
            }
        }
    }

    static @Nullable Object scalar(String name, JsonNode value) {
        if (value.isNull()) {
            return null;
        }
        if (value.isTextual()) {
            return value.textValue();
        }
        if (value.isBoolean()) {
            return value.booleanValue();
        }
        if (value.isIntegralNumber() && value.canConvertToLong()) {
            return value.longValue();
        }
        if (value.isIntegralNumber()) {
            if (Double.isInfinite(value.doubleValue())) {
                throw beyond(name, value);
            }
            return value.bigIntegerValue();
        }
        if (value.isBigDecimal()) {
            return number(name, value);
        }
        if (value.isNumber()) {
            return value.doubleValue();
        }
        // TensorFlow's REST form of bytes.
        if (value.isObject() && value.size() == 1 && value.path("b64").isTextual()) {
            try {
                return Base64.getDecoder().decode(value.path("b64").textValue());
            } catch (IllegalArgumentException e) {
                throw TidemillException.invalid(name, "'" + name + "' holds 'b64' that is not Base64");
            }
        }
        throw TidemillException.invalid(name, "'" + name + "' holds " + value.getNodeType() + " where a value belongs");
    }

    /** A number with a point: a double, unless it is a whole number that no double is, or one whose fraction a double has lost. */
    private static Number number(String name, JsonNode value) {
        double near = value.doubleValue();
        if (Double.isInfinite(near)) {
            throw beyond(name, value);
        }
        if (near == Math.rint(near) && Math.abs(near) <= MOST_WHOLE) {
            BigDecimal written = value.decimalValue();
            if (written.stripTrailingZeros().scale() > 0) {
                return written;
            }
            if (written.compareTo(new BigDecimal(near)) != 0) {
                BigInteger whole = written.toBigInteger();
                return whole.bitLength() < Long.SIZE ? (Number) whole.longValue() : whole;
            }
        }
        return near;
    }

    private static TidemillException beyond(String name, JsonNode value) {
        String text = value.asText();
        String shown = text.length() <= 40 ? text : text.substring(0, 40) + "...";
        return TidemillException.invalid(name, shown + " in '" + name + "' is beyond every number");
    }

    /**
     * Predictions row by row: a value each, or a list; by output where there is more than one. Outputs that do not agree in rows are
     * told whole, by name.
     */
    static JsonNode predictions(List<Tensor> outputs) {
        return predictions(outputs, Form.JSON);
    }

    private static JsonNode predictions(List<Tensor> outputs, Form as) {
        ArrayNode list = Json.array();
        int rows = outputs.getFirst().rows();
        if (outputs.stream().anyMatch(output -> !output.hasRows(rows))) {
            ObjectNode named = Json.object();
            outputs.forEach(output -> named.set(output.name(), whole(output, as)));
            return outputs.size() == 1 ? whole(outputs.getFirst(), as) : named;
        }
        for (int row = 0; row < rows; row++) {
            if (outputs.size() == 1) {
                list.add(row(outputs.getFirst(), row, as));
                continue;
            }
            ObjectNode named = list.addObject();
            for (Tensor output : outputs) {
                named.set(output.name(), row(output, row, as));
            }
        }
        return list;
    }

    /**
     * Predictions as MLflow's scoring server tells them: a data frame as its rows by column, even if it has one; a mapping as one object;
     * anything else row by row. Numbers that JSON has no word for are written as its server writes them and its client reads them: NaN,
     * Infinity, -Infinity.
     */
    static JsonNode scored(List<Tensor> outputs) {
        Form as = Form.MLFLOW;
        if (all(outputs, Place.Container.FRAME)) {
            ArrayNode list = Json.array();
            for (int row = 0; row < outputs.getFirst().rows(); row++) {
                ObjectNode named = list.addObject();
                for (Tensor output : outputs) {
                    named.set(label(output), row(output, row, as));
                }
            }
            return list;
        }
        if (all(outputs, Place.Container.MAPPING)) {
            ObjectNode named = Json.object();
            outputs.forEach(
                    output -> named.set(label(output), isLone(output) ? value(output, 0, as) : whole(output, as)));
            return named;
        }
        return outputs.size() == 1 && isLone(outputs.getFirst())
                ? value(outputs.getFirst(), 0, as)
                : predictions(outputs, as);
    }

    private static boolean all(List<Tensor> outputs, Place.Container container) {
        return outputs.stream()
                .allMatch(output -> output.place()
                        .filter(place -> place.container() == container)
                        .isPresent());
    }

    private static boolean isLone(Tensor output) {
        return output.size() == 1 && output.place().filter(Place::lone).isPresent();
    }

    private static String label(Tensor output) {
        return output.place().map(Place::label).orElse(output.name());
    }

    /** One output as a whole, nested by its dimensions. */
    static JsonNode whole(Tensor output) {
        return whole(output, Form.JSON);
    }

    private static JsonNode whole(Tensor output, Form as) {
        return nest(output, 0, 0, output.size(), as);
    }

    /** How values are told that JSON has no form for. */
    private enum Form {
        /** Numbers as null, bytes as the text that they are, or else as Base64. */
        JSON,
        /** As MLflow's scoring server does: numbers in Python's words, which strict readers refuse, and all bytes as lines of Base64. */
        MLFLOW;

        JsonNode of(double value) {
            return this == JSON ? Json.objectMapper().nullNode() : new POJONode(new RawValue(Double.toString(value)));
        }

        boolean encodes(Tensor output, int index) {
            boolean binary = this == MLFLOW && output.isBinary() && output.value(index) != null;
            return output.datatype() == Datatype.BYTES
                    && (binary || output.utf8(index).isEmpty());
        }

        /** Python's {@code base64.encodebytes} ends each line, the last one too, and makes none of no bytes. */
        String of(byte[] bytes) {
            if (this == JSON) {
                return Base64.getEncoder().encodeToString(bytes);
            }
            return bytes.length == 0 ? "" : LINES.encodeToString(bytes) + "\n";
        }
    }

    private static JsonNode row(Tensor output, int row, Form as) {
        if (output.shape().length == 1) {
            return value(output, row, as);
        }
        return nest(output, 1, row * output.width(), output.width(), as);
    }

    private static JsonNode nest(Tensor output, int dimension, int from, int width, Form as) {
        long[] shape = output.shape();
        if (dimension == shape.length) {
            return value(output, from, as);
        }
        ArrayNode list = Json.array();
        int size = (int) shape[dimension];
        int step = size == 0 ? 0 : width / size;
        for (int i = 0; i < size; i++) {
            list.add(nest(output, dimension + 1, from + i * step, step, as));
        }
        return list;
    }

    private static JsonNode value(Tensor output, int index, Form as) {
        if (as.encodes(output, index)) {
            return Json.tree(as.of(output.bytes(index)));
        }
        if (FLOATING.contains(output.datatype()) && !Double.isFinite(output.number(index))) {
            return as.of(output.number(index));
        }
        Object value = output.value(index);
        if (output.isJson() && value instanceof String document) {
            return told(parse(Json.objectMapper().reader(), document.getBytes(StandardCharsets.UTF_8)), as);
        }
        if (value instanceof Double number && output.datatype() == Datatype.FP32) {
            return Json.tree(number.floatValue());
        }
        return value == null ? Json.objectMapper().nullNode() : Json.tree(value);
    }

    /** A document whose numbers that JSON has no word for are told as others are. */
    private static JsonNode told(JsonNode document, Form as) {
        if (document.isFloatingPointNumber() && !Double.isFinite(document.doubleValue())) {
            return as.of(document.doubleValue());
        }
        if (document instanceof ArrayNode list) {
            for (int i = 0; i < list.size(); i++) {
                list.set(i, told(list.get(i), as));
            }
        } else if (document instanceof ObjectNode object) {
            object.properties().forEach(entry -> entry.setValue(told(entry.getValue(), as)));
        }
        return document;
    }
}
