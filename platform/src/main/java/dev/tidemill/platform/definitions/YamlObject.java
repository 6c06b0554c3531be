package dev.tidemill.platform.definitions;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.time.EventTime;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * A YAML mapping read key by key. Every refusal names file, line, column, key and value; {@link #end()} refuses keys that
 * nobody asked for. Not thread-safe.
 */
public final class YamlObject {
    private static final int MAX_CODE_POINTS = 1_000_000;

    private final String file;
    private final Node at;
    private final Map<String, NodeTuple> entries;
    private final Set<String> read = new LinkedHashSet<>();

    private YamlObject(String file, MappingNode node) {
        this.file = file;
        this.at = node;
        this.entries = new LinkedHashMap<>();
        for (NodeTuple tuple : node.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                throw refuse(file, tuple.getKeyNode(), "a key must be plain text");
            }
            if (entries.put(key.getValue(), tuple) != null) {
                throw refuse(file, key, "key '" + key.getValue() + "' is there twice");
            }
        }
    }

    /**
     * Parses one YAML document.
     *
     * @param file name used in messages
     * @throws TidemillException {@code INVALID_DEFINITION} with line and column
     */
    public static YamlObject parse(String file, String text) {
        try {
            LoadSettings settings = LoadSettings.builder()
                    .setLabel(file)
                    .setCodePointLimit(MAX_CODE_POINTS)
                    .setMaxAliasesForCollections(YamlBounds.MOST_ALIASES)
                    .build();
            YamlBounds.require(file, settings, text);
            Optional<Node> root = new Compose(settings).composeString(text);
            if (root.isPresent() && root.get() instanceof MappingNode mapping) {
                return new YamlObject(file, mapping);
            }
            throw new TidemillException(
                    ErrorCode.INVALID_DEFINITION, file + ": the document is not a mapping of keys to values");
        } catch (MarkedYamlEngineException e) {
            String where = e.getProblemMark().map(YamlObject::place).orElse("");
            throw new TidemillException(ErrorCode.INVALID_DEFINITION, file + where + ": " + e.getProblem()).causedBy(e);
        } catch (YamlEngineException e) {
            throw new TidemillException(ErrorCode.INVALID_DEFINITION, file + ": " + e.getMessage()).causedBy(e);
        }
    }

    public String file() {
        return file;
    }

    public boolean has(String key) {
        return entries.containsKey(key);
    }

    public Set<String> keys() {
        return entries.keySet();
    }

    public String text(String key) {
        return scalar(required(key), key);
    }

    public Optional<String> optionalText(String key) {
        return value(key).map(node -> scalar(node, key));
    }

    public String text(String key, String otherwise) {
        return optionalText(key).orElse(otherwise);
    }

    public int integer(String key, int otherwise, int least, int most) {
        return optionalText(key)
                .map(text -> {
                    try {
                        int value = Integer.parseInt(text);
                        if (value >= least && value <= most) {
                            return value;
                        }
                    } catch (NumberFormatException e) {
                        // refused below, with the value
                    }
                    throw invalid(key, "'" + text + "' is not a whole number from " + least + " to " + most);
                })
                .orElse(otherwise);
    }

    public double number(String key, double otherwise, double least, double most) {
        return optionalNumber(key)
                .map(value -> {
                    if (value >= least && value <= most) {
                        return value;
                    }
                    throw invalid(key, value + " is not between " + least + " and " + most);
                })
                .orElse(otherwise);
    }

    public Optional<Double> optionalNumber(String key) {
        return optionalText(key).map(text -> {
            try {
                return Double.valueOf(text);
            } catch (NumberFormatException e) {
                throw invalid(key, "'" + text + "' is not a number");
            }
        });
    }

    /** A number with all digits that are written, no further from 0 than the largest double and 0 or no nearer to it than the smallest. */
    public Optional<BigDecimal> optionalDecimal(String key) {
        return optionalText(key).map(text -> {
            BigDecimal exact;
            try {
                exact = new BigDecimal(text);
            } catch (NumberFormatException e) {
                throw invalid(key, "'" + text + "' is not a number");
            }
            double near = exact.doubleValue();
            if (Double.isInfinite(near) || (near == 0 && exact.signum() != 0)) {
                throw invalid(key, "'" + text + "' is beyond every number of 64 bits");
            }
            return exact;
        });
    }

    public boolean flag(String key, boolean otherwise) {
        return optionalText(key)
                .map(text -> switch (text) {
                    case "true" -> true;
                    case "false" -> false;
                    default -> throw invalid(key, "'" + text + "' is neither true nor false");
                })
                .orElse(otherwise);
    }

    public Duration duration(String key, String otherwise) {
        String text = text(key, otherwise);
        return checked(key, text, value -> EventTime.duration(key, value));
    }

    public Optional<Duration> optionalDuration(String key) {
        return optionalText(key).map(text -> checked(key, text, value -> EventTime.duration(key, value)));
    }

    public Optional<Instant> optionalInstant(String key) {
        return optionalText(key).map(text -> checked(key, text, value -> EventTime.instant(key, value)));
    }

    /** One of the constants, written in lower case with dashes. */
    public <E extends Enum<E>> E oneOf(String key, Class<E> type, E otherwise) {
        return optionalText(key)
                .map(text -> {
                    for (E constant : type.getEnumConstants()) {
                        if (spelled(constant).equals(text)) {
                            return constant;
                        }
                    }
                    var allowed = java.util.Arrays.stream(type.getEnumConstants())
                            .map(YamlObject::spelled)
                            .toList();
                    throw invalid(key, "'" + text + "' is none of " + String.join(", ", allowed));
                })
                .orElse(otherwise);
    }

    private static String spelled(Enum<?> constant) {
        return constant.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
    }

    /** Applies a parser that throws coded errors; what it refuses is refused at this key. */
    public <T> T checked(String key, String text, Function<String, T> parser) {
        try {
            return parser.apply(text);
        } catch (TidemillException e) {
            var refusal = invalid(key, e.message());
            throw e.remedy().map(refusal::remedy).orElse(refusal);
        }
    }

    public List<String> texts(String key) {
        return value(key)
                .map(node -> sequence(node, key).stream()
                        .map(element -> scalar(element, key))
                        .toList())
                .orElse(List.of());
    }

    public YamlObject object(String key) {
        return mapping(required(key), key);
    }

    public Optional<YamlObject> optionalObject(String key) {
        return value(key).map(node -> mapping(node, key));
    }

    public List<YamlObject> objects(String key) {
        return value(key)
                .map(node -> sequence(node, key).stream()
                        .map(element -> mapping(element, key))
                        .toList())
                .orElse(List.of());
    }

    /** All entries as plain values: text, numbers, booleans, lists and maps. */
    public Map<String, Object> plain() {
        var plain = new LinkedHashMap<String, Object>();
        entries.forEach((key, tuple) -> {
            read.add(key);
            plain.put(key, plain(tuple.getValueNode()));
        });
        return plain;
    }

    private static Object plain(Node node) {
        return switch (node) {
            case MappingNode mapping -> {
                var map = new LinkedHashMap<String, Object>();
                for (NodeTuple tuple : mapping.getValue()) {
                    map.put(String.valueOf(plain(tuple.getKeyNode())), plain(tuple.getValueNode()));
                }
                yield map;
            }
            case SequenceNode sequence ->
                sequence.getValue().stream().map(YamlObject::plain).toList();
            case ScalarNode scalar -> plainScalar(scalar);
            default -> throw new IllegalStateException("unknown YAML node " + node.getNodeType());
        };
    }

    private static Object plainScalar(ScalarNode scalar) {
        String text = scalar.getValue();
        if (scalar.getTag().equals(Tag.INT)) {
            return Long.valueOf(text);
        }
        if (scalar.getTag().equals(Tag.FLOAT)) {
            return Double.valueOf(text);
        }
        if (scalar.getTag().equals(Tag.BOOL)) {
            return Boolean.valueOf(text);
        }
        return text;
    }

    /** Refuses keys that were not read, suggesting the nearest known one. */
    public void end(String... alsoKnown) {
        var known = new LinkedHashSet<>(read);
        known.addAll(List.of(alsoKnown));
        for (var entry : entries.entrySet()) {
            if (!known.contains(entry.getKey())) {
                String hint = Suggestions.nearest(entry.getKey(), known)
                        .map(nearest -> "; did you mean '" + nearest + "'?")
                        .orElse("; known keys: " + String.join(", ", known));
                throw refuse(file, entry.getValue().getKeyNode(), "unknown key '" + entry.getKey() + "'" + hint);
            }
        }
    }

    /** A refusal of the key's value. */
    public TidemillException invalid(String key, String why) {
        NodeTuple tuple = entries.get(key);
        return refuse(file, tuple == null ? at : tuple.getValueNode(), key + ": " + why);
    }

    private Optional<Node> value(String key) {
        read.add(key);
        NodeTuple tuple = entries.get(key);
        return tuple == null || tuple.getValueNode().getTag().equals(Tag.NULL)
                ? Optional.empty()
                : Optional.of(tuple.getValueNode());
    }

    private Node required(String key) {
        return value(key).orElseThrow(() -> missing(key));
    }

    /** A key that is missing is often there, misspelt. */
    private TidemillException missing(String key) {
        List<String> unread =
                entries.keySet().stream().filter(entry -> !read.contains(entry)).toList();
        return Suggestions.nearest(key, unread)
                .map(misspelt -> refuse(
                        file,
                        Objects.requireNonNull(entries.get(misspelt)).getKeyNode(),
                        "unknown key '" + misspelt + "'; did you mean '" + key + "', which is missing?"))
                .orElseGet(() -> refuse(file, at, "key '" + key + "' is missing"));
    }

    private String scalar(Node node, String key) {
        if (node instanceof ScalarNode scalar) {
            return scalar.getValue();
        }
        throw refuse(file, node, key + ": a single value is expected here");
    }

    private List<Node> sequence(Node node, String key) {
        if (node instanceof SequenceNode sequence) {
            return sequence.getValue();
        }
        throw refuse(file, node, key + ": a list is expected here");
    }

    private YamlObject mapping(Node node, String key) {
        if (node instanceof MappingNode mapping) {
            return new YamlObject(file, mapping);
        }
        throw refuse(file, node, key + ": a mapping of keys to values is expected here");
    }

    private static TidemillException refuse(String file, Node node, String why) {
        String where = node.getStartMark().map(YamlObject::place).orElse("");
        return new TidemillException(ErrorCode.INVALID_DEFINITION, file + where + ": " + why);
    }

    private static String place(Mark mark) {
        return ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1);
    }
}
