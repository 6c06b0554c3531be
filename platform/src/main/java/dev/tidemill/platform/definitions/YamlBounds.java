package dev.tidemill.platform.definitions;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;

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
        int documents = 0;
        Deque<String> open = new ArrayDeque<>();
        for (Event event : new Parse(settings).parseString(text)) {
            switch (event.getEventId()) {
                case MappingStart, SequenceStart -> {
                    levels++;
                    values++;
                    open.push(anchor(event));
                }
                case MappingEnd, SequenceEnd -> {
                    levels--;
                    open.pop();
                }
                case Scalar -> values++;
                case DocumentStart -> {
                    if (++documents > 1) {
                        throw new TidemillException(
                                        ErrorCode.INVALID_DEFINITION,
                                        label + place(event) + ": a second document begins here; a file holds one")
                                .remedy("Put each document into a file of its own");
                    }
                }
                case Alias -> {
                    aliases++;
                    if (open.contains(anchor(event))) {
                        throw new TidemillException(
                                ErrorCode.INVALID_DEFINITION,
                                label + place(event) + ": '" + anchor(event) + "' is within itself");
                    }
                }
                default -> {
                    // begins or ends a document
                }
            }
            if (levels > MOST_LEVELS || values > MOST_VALUES || aliases > MOST_ALIASES) {
                throw new TidemillException(
                        ErrorCode.INVALID_DEFINITION,
                        label + place(event) + ": more than " + MOST_LEVELS + " levels, " + MOST_VALUES + " values or "
                                + MOST_ALIASES + " aliases are not taken");
            }
        }
    }

    private static String place(Event event) {
        return event.getStartMark()
                .map(mark -> ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1))
                .orElse("");
    }

    /** The name under which a node is known, or that it stands for; empty for one without. */
    private static String anchor(Event event) {
        Optional<Anchor> anchor = event instanceof NodeEvent node ? node.getAnchor() : Optional.empty();
        return anchor.map(Anchor::getValue).orElse("");
    }
}
