package dev.tidemill.datasets.domain;

import dev.tidemill.platform.ids.Ids;
import java.math.BigDecimal;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What tells one import from another: the file's path, and a digest of the whole definition, which decides what an import gives. It is
 * kept with the version that was made, so a definition has the same one for ever: its text is written here word by word, whatever
 * becomes of the records.
 */
public final class ImportReference {
    private ImportReference() {}

    /** The reference of a data set with a source. */
    public static String of(DataSet dataSet) {
        return dataSet.source().orElseThrow().path() + "@" + Ids.sha256(text(dataSet));
    }

    static String text(DataSet dataSet) {
        String columns = dataSet.columns().stream().map(ImportReference::text).collect(Collectors.joining(", "));
        return "DataSet[source=" + dataSet.source().map(ImportReference::text) + ", columns=[" + columns + "], key="
                + dataSet.key() + ", time=" + dataSet.time() + "]";
    }

    private static String text(DataSet.Source source) {
        return "Source[path=" + source.path() + ", blob=" + source.blob() + ", sql=" + source.sql() + ", until="
                + source.until() + "]";
    }

    private static String text(Column column) {
        return "Column[name=" + column.name() + ", type=" + column.type().name() + ", required=" + column.required()
                + ", least=" + limit(column.least()) + ", most=" + limit(column.most()) + ", values=" + column.values()
                + "]";
    }

    /** As a double where that is exact, as it always was once. */
    private static Optional<String> limit(Optional<BigDecimal> limit) {
        return limit.map(exact -> {
            double near = exact.doubleValue();
            return Double.isFinite(near) && BigDecimal.valueOf(near).compareTo(exact) == 0
                    ? Double.toString(near)
                    : exact.toPlainString();
        });
    }
}
