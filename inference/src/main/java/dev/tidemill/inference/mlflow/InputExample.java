package dev.tidemill.inference.mlflow;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.GoldenRows;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The example that MLflow keeps as a body of its {@code /invocations}: a table, a tensor, or tensors by name. */
public final class InputExample implements GoldenRows {
    private static final Logger LOG = LoggerFactory.getLogger(InputExample.class);
    /** Numbers that JSON has no word for are written as Python writes them. */
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private static final String FILE = "serving_input_example.json";
    private static final int MOST_ROWS = 100;

    @Override
    public Optional<List<Tensor>> of(ModelFolder folder) {
        if (!folder.has(FILE)) {
            return Optional.empty();
        }
        try {
            JsonNode document = MAPPER.readTree(folder.read(FILE));
            JsonNode inputs = document.has("inputs") ? document.path("inputs") : document.path("instances");
            List<Tensor> tensors = document.has("dataframe_split")
                    ? table(document.path("dataframe_split"))
                    : inputs.isArray()
                            ? List.of(tensor("input", inputs))
                            : inputs.properties().stream()
                                    .map(entry -> tensor(entry.getKey(), entry.getValue()))
                                    .toList();
            boolean some = !tensors.isEmpty() && tensors.getFirst().rows() > 0;
            return some ? Optional.of(tensors) : Optional.empty();
        } catch (IOException | IllegalArgumentException | TidemillException e) {
            LOG.info("The input example of {} is not used: {}", folder.version().reference(), e.getMessage());
            return Optional.empty();
        }
    }

    private static List<Tensor> table(JsonNode split) {
        List<Tensor> columns = new ArrayList<>();
        JsonNode data = split.path("data");
        int rows = Math.min(MOST_ROWS, data.size());
        for (int column = 0; column < split.path("columns").size(); column++) {
            List<@Nullable Object> values = new ArrayList<>();
            for (int row = 0; row < rows; row++) {
                values.add(value(data.path(row).path(column)));
            }
            columns.add(ColumnValues.column(split.path("columns").path(column).asText(), values));
        }
        return columns;
    }

    private static Tensor tensor(String name, JsonNode nested) {
        List<Long> shape = new ArrayList<>();
        for (JsonNode at = nested; at.isArray(); at = at.path(0)) {
            shape.add((long) at.size());
        }
        if (shape.isEmpty()) {
            throw new IllegalArgumentException("'" + name + "' is no list");
        }
        List<@Nullable Object> values = new ArrayList<>();
        flatten(nested, values);
        long[] sizes = shape.stream().mapToLong(Long::longValue).toArray();
        Tensor flat = ColumnValues.column(name, values);
        long elements = 1;
        for (long size : sizes) {
            elements *= size;
        }
        if (elements != flat.size()) {
            throw new IllegalArgumentException("the lists of '" + name + "' are not of the same length");
        }
        return flat.as(name, sizes);
    }

    private static void flatten(JsonNode nested, List<@Nullable Object> values) {
        if (nested.isArray()) {
            nested.forEach(one -> flatten(one, values));
        } else {
            values.add(value(nested));
        }
    }

    private static @Nullable Object value(JsonNode node) {
        if (node.isTextual()) {
            return node.asText();
        }
        if (node.isBoolean()) {
            return node.asBoolean();
        }
        if (node.isIntegralNumber() && node.canConvertToLong()) {
            return node.asLong();
        }
        if (node.isNumber()) {
            return node.asDouble();
        }
        if (node.isNull()) {
            return null;
        }
        throw new IllegalArgumentException("it holds a value of kind " + node.getNodeType());
    }
}
