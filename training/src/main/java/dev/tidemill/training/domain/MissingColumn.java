package dev.tidemill.training.domain;

import dev.tidemill.platform.definitions.Suggestions;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Collection;

/** The refusal of a step that names a column which its data does not have. */
public final class MissingColumn {
    private MissingColumn() {}

    /**
     * @param input of the step, which names the column
     * @param columns that there are
     */
    public static TidemillException of(ErrorCode code, String input, String name, Collection<String> columns) {
        return new TidemillException(
                        code,
                        "The data has no column '" + name + "', which the step's input '" + input + "' names; it has "
                                + columns
                                + Suggestions.nearest(name, columns)
                                        .map(nearest -> "; did you mean '" + nearest + "'?")
                                        .orElse(""))
                .at(input)
                .remedy("Name one of its columns as '" + input + "'");
    }
}
