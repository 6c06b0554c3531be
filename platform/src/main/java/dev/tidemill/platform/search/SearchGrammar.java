package dev.tidemill.platform.search;

import static dev.tidemill.platform.search.Comparison.Operator.EQUAL;
import static dev.tidemill.platform.search.Comparison.Operator.GREATER;
import static dev.tidemill.platform.search.Comparison.Operator.GREATER_OR_EQUAL;
import static dev.tidemill.platform.search.Comparison.Operator.ILIKE;
import static dev.tidemill.platform.search.Comparison.Operator.IN;
import static dev.tidemill.platform.search.Comparison.Operator.LESS;
import static dev.tidemill.platform.search.Comparison.Operator.LESS_OR_EQUAL;
import static dev.tidemill.platform.search.Comparison.Operator.LIKE;
import static dev.tidemill.platform.search.Comparison.Operator.NOT_EQUAL;
import static dev.tidemill.platform.search.Comparison.Operator.NOT_IN;
import static dev.tidemill.platform.search.Comparison.Operator.RLIKE;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Comparison.Operator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What may be searched by: entities, their keys, and how each may be compared. Immutable once built. */
public final class SearchGrammar {
    public static final String ATTRIBUTE = "attribute";
    public static final Set<Operator> NUMERIC =
            EnumSet.of(EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL);
    public static final Set<Operator> TEXTUAL = EnumSet.of(EQUAL, NOT_EQUAL, LIKE, ILIKE);
    /** {@link #TEXTUAL}, and regular expressions. */
    public static final Set<Operator> TEXTUAL_OR_PATTERN = EnumSet.of(EQUAL, NOT_EQUAL, LIKE, ILIKE, RLIKE);

    public static final Set<Operator> TEXTUAL_OR_LIST = EnumSet.of(EQUAL, NOT_EQUAL, LIKE, ILIKE, IN, NOT_IN);

    /** What may stand on the right side. */
    enum Right {
        TEXT,
        NUMBER,
        EITHER
    }

    /** What a key holds, and which operators it takes. */
    public record Rule(Right right, Set<Operator> operators) {
        public Rule(boolean numeric, Set<Operator> operators) {
            this(numeric ? Right.NUMBER : Right.TEXT, operators);
        }

        /** A text that may be missing, which can be asked for too. */
        public static Rule optional(Set<Operator> operators) {
            return new Rule(Right.TEXT, withNull(operators));
        }

        /** A text or a number that may be missing. */
        public static Rule anyValue(Set<Operator> ofTexts, Set<Operator> ofNumbers) {
            var all = EnumSet.copyOf(ofTexts);
            all.addAll(ofNumbers);
            return new Rule(Right.EITHER, withNull(all));
        }

        private static Set<Operator> withNull(Set<Operator> operators) {
            var all = EnumSet.copyOf(operators);
            all.add(Operator.IS_NULL);
            all.add(Operator.IS_NOT_NULL);
            return all;
        }
    }

    private record Entity(String name, @Nullable Rule anyKey, Map<String, Rule> keys, Map<String, String> aliases) {}

    private final Map<String, Entity> entities = new LinkedHashMap<>();
    private final Map<String, String> entityAliases = new HashMap<>();
    private List<String> orderKeys = List.of();
    private List<String> orderAttributes = List.of();
    private SearchWords words = SearchWords.RUNS;

    /** Whose words refuse a search by this grammar; those of runs where nothing is said. */
    public SearchGrammar words(SearchWords whose) {
        words = whose;
        return this;
    }

    SearchWords words() {
        return words;
    }

    /** Attributes that may be compared with a list. */
    List<String> listKeys() {
        return attributes(rule -> rule.operators().contains(IN));
    }

    List<String> numericKeys() {
        return attributes(rule -> rule.right() == Right.NUMBER);
    }

    private List<String> attributes(Predicate<Rule> wanted) {
        Entity attribute = entities.get(ATTRIBUTE);
        return attribute == null
                ? List.of()
                : attribute.keys().entrySet().stream()
                        .filter(entry -> wanted.test(entry.getValue()))
                        .map(Map.Entry::getKey)
                        .sorted()
                        .toList();
    }

    /** An entity whose keys users choose, such as metrics or tags. */
    public SearchGrammar freeKeys(String name, Rule rule, String... aliases) {
        return entity(new Entity(name, rule, Map.of(), Map.of()), aliases);
    }

    /** An entity with fixed keys, by canonical name. */
    public SearchGrammar fixedKeys(
            String name, Map<String, Rule> keys, Map<String, String> keyAliases, String... aliases) {
        return entity(new Entity(name, null, Map.copyOf(keys), Map.copyOf(keyAliases)), aliases);
    }

    private SearchGrammar entity(Entity entity, String... aliases) {
        entities.put(entity.name(), entity);
        entityAliases.put(entity.name(), entity.name());
        for (String alias : aliases) {
            entityAliases.put(alias, entity.name());
        }
        return this;
    }

    /** Names by which alone an order may be asked for; without them everything orders that may be searched by. */
    public SearchGrammar orderKeys(String... names) {
        orderKeys = List.of(names);
        return this;
    }

    /** Attributes that alone order, where others and tags may be searched by too. */
    public SearchGrammar orderAttributes(String... names) {
        orderAttributes = List.of(names);
        return this;
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} for a key that may be searched by and orders nothing */
    void requireOrder(Key key) {
        if (orderAttributes.isEmpty()) {
            return;
        }
        if (!key.entity().equals(ATTRIBUTE)) {
            throw TidemillException.invalid("order_by", "Invalid order_by entity: " + key.entity());
        }
        if (!orderAttributes.contains(key.name())) {
            throw TidemillException.invalid(
                    "order_by",
                    "Invalid attribute key '" + key.name() + "' specified. Valid keys are '" + orderAttributes + "'");
        }
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} for a name that orders nothing here */
    void requireOrderKey(String name) {
        if (!orderKeys.isEmpty() && !orderKeys.contains(name)) {
            throw TidemillException.invalid(
                    "order_by",
                    "Invalid order by key '" + name + "' specified. Valid keys are '{"
                            + String.join(
                                    ", ",
                                    orderKeys.stream()
                                            .map(key -> "'" + key + "'")
                                            .toList()) + "}'");
        }
    }

    /** A key that was found: the canonical names and its rule. */
    record Key(String entity, String name, Rule rule) {}

    /**
     * Finds what an identifier such as {@code metrics.loss} or {@code name} means.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for an entity or attribute that is not there
     */
    Key resolve(String identifier) {
        int dot = entityEnd(identifier);
        String entityName = dot < 0 ? ATTRIBUTE : identifier.substring(0, dot);
        String key = unquote(dot < 0 ? identifier : identifier.substring(dot + 1));
        String canonical = entityAliases.get(entityName);
        if (canonical == null) {
            throw TidemillException.invalid("filter", words.noEntity(entityName, entities.keySet()));
        }
        Entity entity = entities.get(canonical);
        if (entity == null) {
            throw new IllegalStateException(canonical);
        }
        if (entity.anyKey() != null) {
            return new Key(canonical, key, entity.anyKey());
        }
        String name = entity.aliases().getOrDefault(key, key);
        Rule rule = entity.keys().get(name);
        if (rule == null) {
            throw TidemillException.invalid(
                    "filter",
                    "Invalid " + canonical + " key '" + key + "' specified. Valid keys are '"
                            + new TreeSet<>(entity.keys().keySet()) + "'");
        }
        return new Key(canonical, name, rule);
    }

    /** Position of the dot that ends an entity's name; a quoted identifier has none. */
    private static int entityEnd(String identifier) {
        if (identifier.startsWith("`") || identifier.startsWith("\"")) {
            return -1;
        }
        return identifier.indexOf('.');
    }

    /** A text without the quotes or back quotes around it. */
    public static String unquote(String text) {
        if (text.length() >= 2) {
            char first = text.charAt(0);
            if ((first == '`' || first == '"' || first == '\'') && text.charAt(text.length() - 1) == first) {
                return text.substring(1, text.length() - 1);
            }
        }
        return text;
    }
}
