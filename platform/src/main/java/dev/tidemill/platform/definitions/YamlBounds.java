package dev.tidemill.platform.definitions;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.Event;

/**
 * Bounds depth, values and aliases of YAML that somebody sent, before it is made into nodes: that is done by recursion, which
 * depth would break.
 */
public final class YamlBounds {
    static final int MOST_ALIASES = 20;
    private static final int MOST_LEVELS = 50;
    private static final int MOST_VALUES = 100_000;

    private YamlBounds() {}

    /**
     * Looks through a document's events.
     *
     * @param label of the document in messages
     * @throws TidemillException {@code INVALID_DEFINITION} with line and column
     * @throws org.snakeyaml.engine.v2.exceptions.YamlEngineException if it is not YAML
     */
    public static void require(String label, LoadSettings settings, String text) {
        int levels = 0;
        int values = 0;
        int aliases = 0;
        for (Event event : new Parse(settings).parseString(text)) {
            switch (event.getEventId()) {
                case MappingStart, SequenceStart -> {
                    levels++;
                    values++;
                }
                case MappingEnd, SequenceEnd -> levels--;
                case Scalar -> values++;
                case Alias -> aliases++;
                default -> {
                    // begins or ends a document
                }
            }
            if (levels > MOST_LEVELS || values > MOST_VALUES || aliases > MOST_ALIASES) {
                String where = event.getStartMark()
                        .map(mark -> ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1))
                        .orElse("");
                throw new TidemillException(
                        ErrorCode.INVALID_DEFINITION,
                        label + where + ": more than " + MOST_LEVELS + " levels, " + MOST_VALUES + " values or "
                                + MOST_ALIASES + " aliases are not taken");
            }
        }
    }
}
