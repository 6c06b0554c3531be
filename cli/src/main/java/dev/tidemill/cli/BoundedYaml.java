package dev.tidemill.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;

/**
 * YAML that somebody else wrote, as JSON. Levels, values and characters are counted as its aliases unfold them, before anything is made
 * of it: that is done by recursion, and JSON has no aliases.
 */
final class BoundedYaml {
    private static final int MOST_LEVELS = 100;
    private static final int MOST_VALUES = 100_000;
    private static final long MOST_CHARACTERS = 16L << 20;
    /** Making a number of its digits takes time that grows with the square of their count. */
    private static final int MOST_DIGITS = 1_000;

    private static final LoadSettings SETTINGS = LoadSettings.builder()
            .setCodePointLimit((int) MOST_CHARACTERS)
            // They are counted here by what they unfold to.
            .setMaxAliasesForCollections(MOST_VALUES)
            .build();

    private final Map<String, Weight> known = new HashMap<>();
    private final Deque<Open> open = new ArrayDeque<>();
    private long values;
    private long characters;

    private BoundedYaml() {}

    /** What an alias stands for. */
    private record Weight(long values, long characters, int levels) {}

    /** A collection whose end has not come. */
    private static final class Open {
        private final String anchor;
        private final long values;
        private final long characters;
        private int levels;

        Open(String anchor, long values, long characters) {
            this.anchor = anchor;
            this.values = values;
            this.characters = characters;
        }
    }

    /**
     * The mapping that a text is; empty if it is something else.
     *
     * @throws CliException for what is beyond the bounds
     * @throws org.snakeyaml.engine.v2.exceptions.YamlEngineException if it is no YAML
     */
    static Optional<ObjectNode> mapping(String text) {
        var bounds = new BoundedYaml();
        new Parse(SETTINGS).parseString(text).forEach(bounds::count);
        Object loaded = new Load(SETTINGS).loadFromString(text);
        return loaded instanceof Map<?, ?> map && Api.JSON.valueToTree(map) instanceof ObjectNode object
                ? Optional.of(object)
                : Optional.empty();
    }

    private void count(Event event) {
        switch (event.getEventId()) {
            case MappingStart, SequenceStart -> begin(anchor(event));
            case MappingEnd, SequenceEnd -> end();
            case Scalar -> scalar((ScalarEvent) event);
            case Alias -> alias(anchor(event));
            default -> {
                // begins or ends a document
            }
        }
        if (values > MOST_VALUES || characters > MOST_CHARACTERS) {
            throw refused("with what its aliases unfold to it has more than " + MOST_VALUES + " values or "
                    + MOST_CHARACTERS + " characters");
        }
    }

    private void begin(String anchor) {
        known.remove(anchor);
        open.push(new Open(anchor, values, characters));
        values++;
        within(0);
    }

    private void end() {
        Open ended = open.pop();
        var weight = new Weight(values - ended.values, characters - ended.characters, ended.levels + 1);
        if (!ended.anchor.isEmpty()) {
            known.put(ended.anchor, weight);
        }
        within(weight.levels());
    }

    private void scalar(ScalarEvent scalar) {
        String text = scalar.getValue();
        if (scalar.isPlain() && text.length() > MOST_DIGITS && text.matches("[-+]?[0-9]+")) {
            throw refused("a number in it has more than " + MOST_DIGITS + " digits");
        }
        values++;
        characters += text.length();
        String anchor = anchor(scalar);
        if (!anchor.isEmpty()) {
            known.put(anchor, new Weight(1, text.length(), 0));
        }
    }

    private void alias(String anchor) {
        if (open.stream().anyMatch(collection -> collection.anchor.equals(anchor))) {
            throw refused("'" + anchor + "' is within itself");
        }
        @Nullable Weight meant = known.get(anchor);
        if (meant != null) {
            values += meant.values();
            characters += meant.characters();
            within(meant.levels());
        }
    }

    /** Something of so many levels is in the collection that is open. */
    private void within(int levels) {
        if (open.size() + levels > MOST_LEVELS) {
            throw refused("it has more than " + MOST_LEVELS + " levels");
        }
        Open around = open.peek();
        if (around != null) {
            around.levels = Math.max(around.levels, levels);
        }
    }

    private static CliException refused(String why) {
        return new CliException(Exit.FAILURE, why + ", and is not read");
    }

    /** The name under which a node is known, or that it stands for; empty for one without. */
    private static String anchor(Event event) {
        Optional<Anchor> anchor = event instanceof NodeEvent node ? node.getAnchor() : Optional.empty();
        return anchor.map(Anchor::getValue).orElse("");
    }
}
