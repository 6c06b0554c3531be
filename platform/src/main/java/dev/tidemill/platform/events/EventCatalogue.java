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
import java.util.stream.Collectors;
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
     * @param server whether it is the server's own and belongs to no project
     * @param data type and meaning of each field of its data
     */
    public record Type(String type, String subject, String when, boolean server, Map<String, String> data) {}

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
                Boolean.TRUE.equals(entry.get("server")),
                data);
    }

    public List<Type> types() {
        return types;
    }

    /**
     * A beginning of types as the log has it; what is shown to the outside, {@code dev.tidemill.model.renamed}, means the same as
     * {@code model.renamed}.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} that names the nearest type, if no type begins so: somebody would wait in vain
     */
    public String beginning(String field, String told) {
        String beginning = CloudEvents.TYPE_PREFIX.startsWith(told)
                ? ""
                : told.startsWith(CloudEvents.TYPE_PREFIX) ? told.substring(CloudEvents.TYPE_PREFIX.length()) : told;
        if (isExternal(beginning) || types.stream().anyMatch(type -> type.type().startsWith(beginning))) {
            return beginning;
        }
        Optional<String> meant =
                Suggestions.nearest(beginning, types.stream().map(Type::type).toList());
        throw TidemillException.invalid(field, "No type of event begins with '" + StorableText.cut(told, 200) + "'")
                .remedy(meant.map(type -> "Did you mean '" + type + "'?").orElseGet(this::knownBeginnings));
    }

    /**
     * A {@link #beginning} of types that a project's log can hold.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} also where only events of the server itself begin so
     */
    public String beginningInProject(String field, String told) {
        String beginning = beginning(field, told);
        if (isServerOnly(beginning)) {
            throw TidemillException.invalid(
                            field, "Events of the type '" + StorableText.cut(told, 200) + "' are of no project")
                    .remedy("An administrator reads them: 'tidemill events list --all-projects' or GET"
                            + " /api/tidemill/v1/events; webhooks, which are a project's, are not told of them");
        }
        return beginning;
    }

    /** Whether all types that begin so are the server's own. */
    public boolean isServerOnly(String beginning) {
        return !isExternal(beginning)
                && types.stream()
                        .filter(type -> type.type().startsWith(beginning))
                        .allMatch(Type::server);
    }

    private static boolean isExternal(String beginning) {
        return beginning.startsWith(EXTERNAL) || EXTERNAL.startsWith(beginning);
    }

    private String knownBeginnings() {
        return "Types begin with "
                + types.stream()
                        .map(type -> type.type().substring(0, type.type().indexOf('.') + 1))
                        .distinct()
                        .collect(Collectors.joining(", "))
                + " or " + EXTERNAL + "; see 'tidemill webhooks types' or docs/events.md";
    }
}
