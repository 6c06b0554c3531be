package dev.tidemill.training.xgboost;

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
        int kept = 0;
        for (List<@Nullable Object> row : table.rows()) {
            double label = labels.of(row);
            if (Double.isNaN(label)) {
                continue;
            }
            for (int i = 0; i < positions.length; i++) {
                values[kept * positions.length + i] = code(row.get(positions[i]), columns.get(i), codes.get(i));
            }
            targets[kept++] = (float) label;
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
        return ((Number) value).floatValue();
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
