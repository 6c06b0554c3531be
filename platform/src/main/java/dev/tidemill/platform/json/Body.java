package dev.tidemill.platform.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.time.EventTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** A JSON object that somebody sent, read field by field; every refusal names the field and the value. */
public final class Body {
    private final ObjectNode object;

    public Body(ObjectNode object) {
        this.object = object;
    }

    public static Body of(byte[] body) {
        return new Body(Json.parseObject(body));
    }

    public ObjectNode node() {
        return object;
    }

    /** Refuses fields that nobody reads, so that a misspelt one does not pass for one that is absent. */
    public Body only(Set<String> known) {
        object.fieldNames().forEachRemaining(field -> {
            if (!known.contains(field)) {
                throw TidemillException.invalid(
                        field,
                        "There is no field '" + StorableText.cut(field, 80) + "'; "
                                + (known.isEmpty() ? "none is taken here" : "there are " + new TreeSet<>(known)));
            }
        });
        return this;
    }

    public String text(String field) {
        return optionalText(field).orElseThrow(() -> TidemillException.invalid(field, "'" + field + "' is missing"));
    }

    public Optional<String> optionalText(String field) {
        JsonNode node = object.get(field);
        if (node == null || node.isNull()) {
            return Optional.empty();
        }
        if (!node.isTextual()) {
            throw TidemillException.invalid(field, "'" + field + "' must be a string, not " + node);
        }
        return Optional.of(node.textValue());
    }

    public double number(String field) {
        JsonNode node = object.get(field);
        if (node == null || !node.isNumber()) {
            throw TidemillException.invalid(field, "'" + field + "' must be a number, not " + node);
        }
        return node.doubleValue();
    }

    /** A whole number from 1, such as a version's. */
    public int positive(String field) {
        JsonNode node = object.get(field);
        if (node == null
                || !node.isNumber()
                || !(node.doubleValue() >= 1)
                || node.doubleValue() > Integer.MAX_VALUE
                || node.doubleValue() != Math.rint(node.doubleValue())) {
            throw TidemillException.invalid(field, "'" + field + "' must be a positive whole number, not " + node);
        }
        return node.intValue();
    }

    public Optional<Long> optionalWhole(String field) {
        JsonNode node = object.get(field);
        if (node == null || node.isNull()) {
            return Optional.empty();
        }
        if (!node.isNumber() || !node.canConvertToLong() || node.doubleValue() != Math.rint(node.doubleValue())) {
            throw TidemillException.invalid(field, "'" + field + "' must be a whole number, not " + node);
        }
        return Optional.of(node.longValue());
    }

    /** False where it is absent. */
    public boolean flag(String field) {
        return optionalFlag(field).orElse(false);
    }

    public Optional<Boolean> optionalFlag(String field) {
        JsonNode node = object.get(field);
        if (node == null || node.isNull()) {
            return Optional.empty();
        }
        if (!node.isBoolean()) {
            throw TidemillException.invalid(field, "'" + field + "' must be true or false, not " + node);
        }
        return Optional.of(node.booleanValue());
    }

    public Instant instant(String field) {
        return optionalInstant(field).orElseThrow(() -> TidemillException.invalid(field, "'" + field + "' is missing"));
    }

    public Optional<Instant> optionalInstant(String field) {
        return optionalText(field).map(text -> EventTime.instant(field, text));
    }

    /** The texts of a list field; numbers count as the texts that they are written as. None where it is absent. */
    public List<String> list(String field) {
        JsonNode node = object.get(field);
        if (node == null || node.isNull()) {
            return List.of();
        }
        if (!node.isArray()) {
            throw TidemillException.invalid(field, "'" + field + "' must be a list, not " + node);
        }
        var texts = new ArrayList<String>();
        node.forEach(element -> texts.add(plain(field, element)));
        return texts;
    }

    /** An object field's texts by name; numbers count as the texts that they are written as. None where it is absent. */
    public Map<String, String> texts(String field) {
        JsonNode node = object.get(field);
        if (node == null || node.isNull()) {
            return Map.of();
        }
        if (!node.isObject()) {
            throw TidemillException.invalid(field, "'" + field + "' must be an object, not " + node);
        }
        var texts = new LinkedHashMap<String, String>();
        node.properties()
                .forEach(entry -> texts.put(entry.getKey(), plain(field + "." + entry.getKey(), entry.getValue())));
        return texts;
    }

    private static String plain(String field, JsonNode node) {
        if (!node.isValueNode() || node.isNull()) {
            throw TidemillException.invalid(field, "'" + field + "' must be a text or a number, not " + node);
        }
        return node.asText();
    }

    /** The objects of a list field, at most {@code limit} of them. */
    public List<Body> objects(String field, int limit) {
        JsonNode node = object.get(field);
        if (node == null || !node.isArray()) {
            throw TidemillException.invalid(field, "'" + field + "' must be a list");
        }
        if (node.size() > limit) {
            throw TidemillException.invalid(
                    field, "'" + field + "' has " + node.size() + " entries; at most " + limit + " are taken at once");
        }
        var bodies = new ArrayList<Body>();
        for (JsonNode element : node) {
            if (!(element instanceof ObjectNode entry)) {
                throw TidemillException.invalid(field, "'" + field + "' must hold objects, not " + element);
            }
            bodies.add(new Body(entry));
        }
        return bodies;
    }
}
