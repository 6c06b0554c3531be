package dev.tidemill.datasets.api;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code kind: DataSet}. */
public final class DataSetDefinitionKind implements DefinitionKind<DataSet> {
    private final DataSets dataSets;

    public DataSetDefinitionKind(DataSets dataSets) {
        this.dataSets = dataSets;
    }

    @Override
    public String kind() {
        return "DataSet";
    }

    @Override
    public int rank() {
        return 10;
    }

    @Override
    public DataSet parse(String name, YamlObject document, ProjectFiles files) {
        List<Column> columns = columns(document.object("columns"));
        Optional<String> time = document.optionalText("time");
        time.ifPresent(column -> {
            if (columns.stream().noneMatch(c -> c.name().equals(column) && c.type() == ColumnType.TIMESTAMP)) {
                throw document.invalid("time", "'" + column + "' is not a column of type timestamp");
            }
        });
        List<String> key = document.texts("key");
        for (String column : key) {
            if (columns.stream().noneMatch(c -> c.name().equals(column))) {
                throw document.invalid("key", "'" + column + "' is not a column");
            }
        }
        return new DataSet(
                document.optionalObject("source").map(source -> source(source, files, time)), columns, key, time);
    }

    private static DataSet.Source source(YamlObject source, ProjectFiles files, Optional<String> time) {
        String path = source.text("file");
        var result = new DataSet.Source(
                path,
                files.blob(source, "file", path),
                source.optionalText("sql").map(sql -> files.text(source, "sql", sql)),
                source.optionalInstant("until"));
        if (result.until().isPresent() && time.isEmpty()) {
            throw source.invalid("until", "the data set has no 'time' column to compare with");
        }
        source.end();
        return result;
    }

    private static List<Column> columns(YamlObject object) {
        var columns = new ArrayList<Column>();
        for (String name : object.keys()) {
            YamlObject entry = object.object(name);
            var column = new Column(
                    name,
                    entry.oneOf("type", ColumnType.class, ColumnType.TEXT),
                    entry.flag("required", false),
                    entry.optionalDecimal("min"),
                    entry.optionalDecimal("max"),
                    entry.texts("values"));
            column.obstacle().ifPresent(obstacle -> {
                throw entry.invalid(obstacle.rule(), obstacle.why());
            });
            columns.add(column);
            entry.optionalText("description");
            entry.end();
        }
        return columns;
    }

    @Override
    public Prepared prepare(String project, String name, DataSet definition, Map<String, Object> earlier) {
        Runnable define = dataSets.prepare(project, name, definition);
        return applied -> define.run();
    }
}
