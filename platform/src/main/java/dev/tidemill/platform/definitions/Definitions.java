package dev.tidemill.platform.definitions;

import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.Names;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies project folders: parse everything, then change everything in one transaction. Applying the same folder twice
 * changes nothing. Thread-safe.
 */
public final class Definitions {
    private static final Logger LOG = LoggerFactory.getLogger(Definitions.class);

    /**
     * What applying does, or would do, to one definition.
     *
     * @param diff a unified diff of its file
     * @param warnings names in it that nothing bears yet, a sentence each
     */
    public record Change(
            String kind, String name, String path, Outcome outcome, int version, String diff, List<String> warnings) {
        public Change {
            warnings = List.copyOf(warnings);
        }

        Change warning(List<String> of) {
            return new Change(kind, name, path, outcome, version, diff, of);
        }
    }

    public enum Outcome {
        CREATED,
        CHANGED,
        UNCHANGED
    }

    private final Map<String, DefinitionKind<?>> kinds = new LinkedHashMap<>();
    private final DefinitionStore store;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;

    public Definitions(DefinitionStore store, Transactions transactions, EventLog events, Clock clock) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    public void register(DefinitionKind<?> kind) {
        if (kinds.put(kind.kind(), kind) != null) {
            throw new IllegalStateException("kind registered twice: " + kind.kind());
        }
    }

    public List<Definition> list(String project) {
        return store.list(project);
    }

    /** Forgets a definition, because what it defined has been deleted; applied again it is new. */
    public void forget(String project, String kind, String name) {
        store.remove(project, kind, name);
    }

    /**
     * Applies the definitions in the files.
     *
     * @param dryRun only tells what would change
     * @return one change for each definition, in the order of application
     * @throws TidemillException {@code INVALID_DEFINITION} if any of them cannot be applied; none has been then
     */
    public List<Change> apply(String project, ProjectFiles files, boolean dryRun, String actor) {
        List<Parsed<?>> parsed = new ArrayList<>();
        var paths = new HashMap<String, String>();
        for (var file : new TreeMap<>(files.texts()).entrySet()) {
            if (isDefinition(file.getKey())) {
                Parsed<?> document = parse(file.getKey(), file.getValue(), files);
                String other = paths.put(document.kind().kind() + "/" + document.name(), file.getKey());
                if (other != null) {
                    throw new TidemillException(
                            ErrorCode.INVALID_DEFINITION,
                            file.getKey() + ": " + document.kind().kind() + " '" + document.name() + "' is defined in "
                                    + other + " too");
                }
                parsed.add(document);
            }
        }
        if (parsed.isEmpty()) {
            throw new TidemillException(
                            ErrorCode.INVALID_DEFINITION, "There is no definition among the files that were sent")
                    .remedy("Point at the folder that holds the project's YAML files");
        }
        parsed.sort(Comparator.comparingInt(document -> document.kind().rank()));
        var together = new HashMap<String, Object>();
        parsed.forEach(document -> together.put(document.kind().kind() + "/" + document.name(), document.definition()));
        if (parsed.stream().anyMatch(document -> isNew(project, document))) {
            // What is unchanged may name what is not.
            parsed.forEach(document -> check(project, document, together));
        }
        Map<Parsed<?>, DefinitionKind.Prepared> prepared = prepare(project, parsed);
        return warned(project, together, change(project, parsed, prepared, dryRun, actor));
    }

    private List<Change> change(
            String project,
            List<Parsed<?>> parsed,
            Map<Parsed<?>, DefinitionKind.Prepared> prepared,
            boolean dryRun,
            String actor) {
        try {
            return transactions.write(() -> {
                List<Change> changes = parsed.stream()
                        .map(document -> applyOne(project, document, prepared, actor))
                        .toList();
                if (dryRun) {
                    // Everything has been tried for real; nothing of it may stay.
                    throw new DryRun(changes);
                }
                return changes;
            });
        } catch (DryRun rolledBack) {
            return rolledBack.changes;
        }
    }

    private static boolean isDefinition(String path) {
        return path.endsWith(".yaml") || path.endsWith(".yml");
    }

    private Parsed<?> parse(String path, String text, ProjectFiles files) {
        YamlObject document = YamlObject.parse(path, text);
        String kindName = document.text("kind");
        DefinitionKind<?> kind = kinds.get(kindName);
        if (kind == null) {
            throw document.invalid("kind", "'" + kindName + "' is none of " + String.join(", ", kinds.keySet()));
        }
        String name = document.checked("name", document.text("name"), value -> Names.require("name", value));
        document.optionalText("description");
        return parse(kind, name, path, text, document, files);
    }

    private static <T> Parsed<T> parse(
            DefinitionKind<T> kind, String name, String path, String text, YamlObject document, ProjectFiles files) {
        T definition = kind.parse(name, document, files);
        document.end();
        String digest = Ids.sha256(text + "\n" + definition);
        return new Parsed<>(kind, name, path, text, definition, digest);
    }

    private boolean isNew(String project, Parsed<?> document) {
        return store.find(project, document.kind().kind(), document.name())
                .filter(before -> before.digest().equals(document.digest()))
                .isEmpty();
    }

    private static <T> void check(String project, Parsed<T> document, Map<String, Object> together) {
        try {
            document.kind().check(project, document.name(), document.definition(), together);
        } catch (TidemillException e) {
            if (e.code() != ErrorCode.INVALID_DEFINITION) {
                throw e;
            }
            var refusal = new TidemillException(e.code(), document.path() + ": " + e.message()).causedBy(e);
            throw e.remedy().map(refusal::remedy).orElse(refusal);
        }
    }

    /** Of what is new or has changed, in the order of application. */
    private Map<Parsed<?>, DefinitionKind.Prepared> prepare(String project, List<Parsed<?>> parsed) {
        var prepared = new IdentityHashMap<Parsed<?>, DefinitionKind.Prepared>();
        var earlier = new HashMap<String, Object>();
        for (Parsed<?> document : parsed) {
            if (isNew(project, document)) {
                prepared.put(document, prepare(project, document, Map.copyOf(earlier)));
                earlier.put(document.kind().kind() + "/" + document.name(), document.definition());
            }
        }
        return prepared;
    }

    private static <T> DefinitionKind.Prepared prepare(
            String project, Parsed<T> document, Map<String, Object> earlier) {
        return document.kind().prepare(project, document.name(), document.definition(), earlier);
    }

    /** What has been applied stays so, whether it can be looked through or not. */
    private List<Change> warned(String project, Map<String, Object> together, List<Change> changes) {
        Function<String, Collection<String>> defined = kind -> {
            var names = new TreeSet<>(store.names(project, kind));
            changes.stream()
                    .filter(change -> change.kind().equals(kind))
                    .map(Change::name)
                    .forEach(names::add);
            return names;
        };
        try {
            var warnings = new HashMap<String, List<String>>();
            kinds.values()
                    .forEach(kind -> kind.unresolved(project, together, defined)
                            .forEach((name, sentences) -> warnings.put(kind.kind() + "/" + name, sentences)));
            return changes.stream()
                    .map(change ->
                            change.warning(warnings.getOrDefault(change.kind() + "/" + change.name(), List.of())))
                    .toList();
        } catch (RuntimeException e) {
            LOG.warn("What was applied in project '{}' is not looked through for slips: {}", project, e.toString());
            return changes;
        }
    }

    private <T> Change applyOne(
            String project, Parsed<T> document, Map<Parsed<?>, DefinitionKind.Prepared> prepared, String actor) {
        var before = store.find(project, document.kind().kind(), document.name());
        String kind = document.kind().kind();
        if (before.isPresent() && before.get().digest().equals(document.digest())) {
            return new Change(
                    kind,
                    document.name(),
                    document.path(),
                    Outcome.UNCHANGED,
                    before.get().version(),
                    "",
                    List.of());
        }
        DefinitionKind.Prepared ready = prepared.get(document);
        if (ready == null) {
            throw new TidemillException(
                            ErrorCode.CONFLICT,
                            kind + " '" + document.name() + "' was changed by somebody else while this was applied")
                    .remedy("Apply it again");
        }
        int version = before.map(definition -> definition.version() + 1).orElse(1);
        store.save(new Definition(
                project,
                kind,
                document.name(),
                version,
                document.digest(),
                document.path(),
                document.text(),
                "",
                clock.instant()));
        ready.apply(new DefinitionKind.Applied(version, document.digest(), actor));
        events.append(Event.of(
                        "definition.applied",
                        project,
                        "definition/" + kind + "/" + document.name(),
                        actor,
                        Map.of("kind", kind, "name", document.name(), "version", version))
                .withDigest(document.digest()));
        String diff = diff(document.path(), before.map(Definition::text).orElse(""), document.text());
        return new Change(
                kind,
                document.name(),
                document.path(),
                before.isPresent() ? Outcome.CHANGED : Outcome.CREATED,
                version,
                diff,
                List.of());
    }

    private static String diff(String path, String before, String after) {
        List<String> from = before.lines().toList();
        var patch = DiffUtils.diff(from, after.lines().toList());
        return String.join("\n", UnifiedDiffUtils.generateUnifiedDiff("a/" + path, "b/" + path, from, patch, 2));
    }

    private record Parsed<T>(
            DefinitionKind<T> kind, String name, String path, String text, T definition, String digest) {}

    /** Leaves the transaction without keeping anything. */
    private static final class DryRun extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient List<Change> changes;

        DryRun(List<Change> changes) {
            super("dry run", null, false, false);
            this.changes = changes;
        }
    }
}
