package dev.tidemill.platform.events;

import dev.tidemill.platform.definitions.Suggestions;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Every type of event that this server tells, as {@code spec/events.yaml} has them. Immutable. */
public final class EventCatalogue {
    /** What other systems tell begins with this; its types are theirs. */
    public static final String EXTERNAL = "external.";

    private static final String FILE = "/dev/tidemill/spec/events.yaml";

    /**
     * A type of event.
     *
     * @param type such as {@code model.version.registered}
     * @param subject what it happens to, as {@code model/NAME/VERSION}
     * @param when in which case it is told
     * @param data type and meaning of each field of its data
     */
    public record Type(String type, String subject, String when, Map<String, String> data) {}

    private final List<Type> types;

    private EventCatalogue(List<Type> types) {
        this.types = List.copyOf(types);
    }

    /** Read when somebody asks for it first: no start of a server needs it. */
    private static final class Shipped {
        private static final EventCatalogue CATALOGUE = read();
    }

    /** The catalogue that this version was built with. */
    public static EventCatalogue shipped() {
        return Shipped.CATALOGUE;
    }

    private static EventCatalogue read() {
        try (InputStream file = Objects.requireNonNull(EventCatalogue.class.getResourceAsStream(FILE), FILE)) {
            var document = (Map<?, ?>) new Load(LoadSettings.builder().build()).loadFromInputStream(file);
            List<?> events = (List<?>) Objects.requireNonNull(document.get("events"));
            return new EventCatalogue(
                    events.stream().map(entry -> type((Map<?, ?>) entry)).toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Type type(Map<?, ?> entry) {
        var data = new LinkedHashMap<String, String>();
        if (entry.get("data") instanceof Map<?, ?> fields) {
            fields.forEach((name, meaning) -> data.put(String.valueOf(name), String.valueOf(meaning)));
        }
        return new Type(
                String.valueOf(entry.get("type")),
                String.valueOf(entry.get("subject")),
                String.valueOf(entry.get("when")),
                data);
    }

    public List<Type> types() {
        return types;
    }

    /**
     * Refuses a beginning of types that none has, which somebody would wait for in vain.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} that names the nearest type
     */
    public void requireBeginning(String beginning) {
        if (beginning.startsWith(EXTERNAL)
                || EXTERNAL.startsWith(beginning)
                || types.stream().anyMatch(type -> type.type().startsWith(beginning))) {
            return;
        }
        Optional<String> meant =
                Suggestions.nearest(beginning, types.stream().map(Type::type).toList());
        throw TidemillException.invalid(
                        "types", "No type of event begins with '" + StorableText.cut(beginning, 200) + "'")
                .remedy(meant.map(type -> "Did you mean '" + type + "'?")
                        .orElse("See 'tidemill webhooks types' or docs/events.md"));
    }
}
