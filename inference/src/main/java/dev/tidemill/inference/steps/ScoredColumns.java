package dev.tidemill.inference.steps;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Predictions as columns: one for an output of a value a row, else one for each value, called by the class that it stands for
 * or by its number.
 */
final class ScoredColumns {
    private static final int MOST_COLUMNS = 1_000;

    private ScoredColumns() {}

    /**
     * The columns that outputs become.
     *
     * @param prefix before each name
     * @param classes of a classifier, in the order of its scores
     */
    static List<Column> of(List<Tensor> outputs, List<String> classes, String prefix) {
        List<Column> columns = new ArrayList<>();
        for (Tensor output : outputs) {
            int width = output.width();
            if (columns.size() + width > MOST_COLUMNS) {
                throw new IllegalArgumentException("The model answers more than " + MOST_COLUMNS + " values a row");
            }
            for (int i = 0; i < width; i++) {
                String part = width == 1 ? "" : "_" + (classes.size() == width ? classes.get(i) : Integer.toString(i));
                columns.add(Column.of(prefix + output.name() + part, type(output.datatype())));
            }
        }
        return columns;
    }

    private static ColumnType type(Datatype datatype) {
        return datatype == Datatype.BOOL
                ? ColumnType.BOOLEAN
                : switch (datatype.storage()) {
                    case NUMBER -> ColumnType.DOUBLE;
                    case WHOLE -> ColumnType.LONG;
                    case BYTES -> ColumnType.TEXT;
                };
    }

    /** Writes a JSON object for each row. */
    static void write(JsonGenerator json, List<Column> columns, List<Tensor> outputs) throws IOException {
        int rows = outputs.getFirst().rows();
        for (int row = 0; row < rows; row++) {
            int column = 0;
            json.writeStartObject();
            for (Tensor output : outputs) {
                int width = output.width();
                for (int i = 0; i < width; i++) {
                    json.writeFieldName(columns.get(column++).name());
                    json.writeObject(output.value(row * width + i));
                }
            }
            json.writeEndObject();
            json.writeRaw('\n');
        }
    }
}
