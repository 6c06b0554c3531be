package dev.tidemill.training.xgboost;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.trees.InputColumn;
import dev.tidemill.trees.TabularModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoostError;
import org.jspecify.annotations.Nullable;

/** Rows as the numbers that XGBoost learns from; rows without a label are left out. */
record Encoded(float[] values, float[] labels, int rows) {
    static Encoded of(Table table, List<InputColumn> columns, Labels labels) {
        int[] positions =
                columns.stream().mapToInt(column -> table.column(column.name())).toArray();
        List<Map<String, Integer>> codes = new ArrayList<>();
        for (InputColumn column : columns) {
            var code = new HashMap<String, Integer>();
            for (int i = 0; i < column.categories().size(); i++) {
                code.put(column.categories().get(i), i);
            }
            codes.add(code);
        }
        float[] values = new float[table.rows().size() * columns.size()];
        float[] targets = new float[table.rows().size()];
        String target = table.names().get(labels.column());
        int kept = 0;
        for (List<@Nullable Object> row : table.rows()) {
            double label = labels.of(row);
            if (Double.isNaN(label)) {
                continue;
            }
            for (int i = 0; i < positions.length; i++) {
                values[kept * positions.length + i] = code(row.get(positions[i]), columns.get(i), codes.get(i));
            }
            targets[kept++] = held((float) label, label, target);
        }
        return new Encoded(
                java.util.Arrays.copyOf(values, kept * columns.size()), java.util.Arrays.copyOf(targets, kept), kept);
    }

    private static float code(@Nullable Object value, InputColumn column, Map<String, Integer> codes) {
        if (value == null) {
            return Float.NaN;
        }
        if (column.isText()) {
            Integer code = codes.get(String.valueOf(value));
            return code == null ? Float.NaN : code;
        }
        return held(((Number) value).floatValue(), value, column.name());
    }

    /** XGBoost learns from numbers of single precision and takes no infinity. */
    private static float held(float number, Object value, String column) {
        if (Float.isInfinite(number)) {
            throw new TidemillException(
                            ErrorCode.INVALID_DATA,
                            "Column '" + column + "' holds " + value
                                    + "; a model learns from numbers up to 3.4e38 and missing values")
                    .at(column)
                    .remedy("Make it a missing value or a smaller number in the SQL of the feature view");
        }
        return number;
    }

    DMatrix matrix(int columns) throws XGBoostError {
        var matrix = new DMatrix(values, rows, columns, Float.NaN);
        matrix.setLabel(labels);
        return matrix;
    }

    /** One row as a model takes it. */
    static float[] encode(List<@Nullable Object> row, Table table, List<InputColumn> columns, TabularModel model) {
        var values = new ArrayList<@Nullable Object>();
        for (InputColumn column : columns) {
            int index = table.names().indexOf(column.name());
            values.add(index < 0 ? null : row.get(index));
        }
        return model.encode(values);
    }
}
