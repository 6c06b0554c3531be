package dev.tidemill.registry.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.tracking.domain.Limits;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Tags of models and versions, which whoever may write sets and removes; each change is one unit of work with its event. Names and
 * values are bounded as MLflow's are. Thread-safe.
 */
public final class ModelTags {
    private static final int LONGEST_TAG = 100_000;

    private final ModelStore store;
    private final Models models;
    private final Transactions transactions;
    private final EventLog events;

    public ModelTags(ModelStore store, Models models, Transactions transactions, EventLog events) {
        this.store = store;
        this.models = models;
        this.transactions = transactions;
        this.events = events;
    }

    /** The tags that may be set; of the others it is told why not, a sentence each. */
    public static Map<String, String> settable(Map<String, String> tags, List<String> left) {
        var settable = new TreeMap<String, String>();
        tags.forEach((key, value) -> {
            try {
                check(key, value);
                settable.put(key, value);
            } catch (TidemillException refused) {
                left.add("tag '" + StorableText.cut(key, 80) + "': " + refused.getMessage());
            }
        });
        return settable;
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} for a tag that nobody may set: a name or value beyond bounds, or one of trust */
    static void check(String name, String value) {
        checkNoTrust(name);
        Limits.key("Tag", name);
        if (value.length() > LONGEST_TAG) {
            throw TidemillException.invalid(
                    "value",
                    name.equals(RegisteredModel.PROMPT_TEXT_TAG)
                            ? "Prompt text exceeds max length of " + LONGEST_TAG + " characters."
                            : "'value' exceeds the maximum length of " + LONGEST_TAG + " characters");
        }
    }

    /** A tag is everybody's who may write; trust is not. */
    private static void checkNoTrust(String name) {
        if (name.startsWith(ModelVersion.TRUST_TAGS)) {
            throw TidemillException.invalid("key", "The tag '" + name + "' is set and removed by trust alone")
                    .remedy("tidemill models trust MODEL/VERSION, or with --withdraw");
        }
    }

    /** Sets a tag of a model. */
    public void put(String project, String model, String name, String value, String actor) {
        check(name, value);
        transactions.write(() -> {
            store.putTag(project, models.model(project, model).name(), 0, name, value);
            events.append(tagged("model.tag.set", project, model, Optional.empty(), name, Optional.of(value), actor));
        });
    }

    /** Sets a tag of a version. */
    public void put(String project, String model, int version, String name, String value, String actor) {
        check(name, value);
        transactions.write(() -> {
            store.putTag(project, model, models.version(project, model, version).version(), name, value);
            events.append(tagged(
                    "model.version.tag.set", project, model, Optional.of(version), name, Optional.of(value), actor));
        });
    }

    /** Removes a tag of a model; one that is not there changes nothing. */
    public void remove(String project, String model, String name, String actor) {
        transactions.write(() -> {
            store.removeTag(project, models.model(project, model).name(), 0, name);
            events.append(tagged("model.tag.deleted", project, model, Optional.empty(), name, Optional.empty(), actor));
        });
    }

    /** Removes a tag of a version; one that is not there changes nothing. */
    public void remove(String project, String model, int version, String name, String actor) {
        checkNoTrust(name);
        transactions.write(() -> {
            store.removeTag(
                    project, model, models.version(project, model, version).version(), name);
            events.append(tagged(
                    "model.version.tag.deleted", project, model, Optional.of(version), name, Optional.empty(), actor));
        });
    }

    private Event tagged(
            String type,
            String project,
            String model,
            Optional<Integer> version,
            String name,
            Optional<String> value,
            String actor) {
        var data = new TreeMap<String, Object>(
                Map.of("model", model, "key", name, "prompt", models.isPrompt(project, model)));
        version.ifPresent(number -> data.put("version", number));
        value.ifPresent(text -> data.put("value", text));
        String subject = "model/" + model + version.map(number -> "/" + number).orElse("");
        return Event.of(type, project, subject, actor, data);
    }
}
