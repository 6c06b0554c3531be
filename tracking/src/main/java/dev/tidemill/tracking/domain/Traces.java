package dev.tidemill.tracking.domain;

import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.ShortUnits;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Traces of applications, and what is said of them. Thread-safe. */
public final class Traces {
    private static final int MOST_LINKED = 100;

    /** An id that names a folder; another has no files, as no path leads to them. */
    private static final Pattern PLAIN_ID = Pattern.compile("[\\w-]+");

    private final TraceStore store;
    private final RunStore runs;
    private final Experiments experiments;
    private final LocatedFiles files;
    private final Transactions transactions;
    private final Clock clock;

    public Traces(
            TraceStore store,
            RunStore runs,
            Experiments experiments,
            LocatedFiles files,
            Transactions transactions,
            Clock clock) {
        this.files = files;
        this.store = store;
        this.runs = runs;
        this.experiments = experiments;
        this.transactions = transactions;
        this.clock = clock;
    }

    /**
     * Keeps what a client tells of a call, in place of what its spans alone have told.
     *
     * @param told its experiment's project need not be filled in
     */
    public Trace put(String project, Trace told) {
        return put(project, told, Map.of(Trace.TOLD_METADATA, "true"));
    }

    /** As {@link #put}, piece by piece as clients before 3.0 tell it. */
    public Trace putPart(String project, Trace told) {
        return put(project, told, Map.of());
    }

    private Trace put(String project, Trace told, Map<String, String> marks) {
        var tags = checked(told.tags());
        var metadata = checked(told.metadata());
        metadata.putAll(marks);
        return transactions.write(() -> {
            Experiment experiment = experiments.active(project, Long.toString(told.experimentId()));
            store.put(told);
            tags.put(Trace.LOCATION_TAG, location(experiment, told.id()));
            store.putTags(project, told.id(), tags);
            store.putMetadata(project, told.id(), metadata);
            told.assessments().forEach(assessment -> putAssessment(project, fresh(assessment)));
            return get(project, told.id());
        });
    }

    /** One that comes with its trace again replaces itself. */
    private void putAssessment(String project, Assessment assessment) {
        if (!store.insertAssessment(project, assessment)) {
            Assessment there = store.findAssessment(project, assessment.traceId(), assessment.id())
                    .orElseThrow(() -> taken(assessment));
            requireKind(there, assessment.kind());
            store.updateAssessment(assessment.asValid(there.valid()));
        }
    }

    private static TidemillException taken(Assessment assessment) {
        return new TidemillException(
                ErrorCode.ALREADY_EXISTS, "An assessment with ID '" + assessment.id() + "' exists already");
    }

    /** What comes with a trace is kept whatever its names are, such as {@code git#commit}. */
    private static Map<String, String> checked(Map<String, String> texts) {
        var safe = new HashMap<String, String>();
        texts.forEach((name, value) -> safe.put(Limits.length("key", name), Limits.runTagValue(value)));
        return safe;
    }

    /**
     * What spans tell of their trace.
     *
     * @param resource tags that tell of where the spans were made; they change none that is there
     * @param tags that the application gave its trace while it went on
     */
    public record Spans(
            String traceId,
            List<TraceSpan> spans,
            String requestPreview,
            String responsePreview,
            Map<String, String> resource,
            Map<String, String> tags,
            Map<String, String> metadata) {}

    /** Keeps spans; a trace that is not there yet is made from them. */
    public void addSpans(String project, String experimentId, List<Spans> traces, Optional<String> runId) {
        transactions.write(() -> {
            Experiment experiment = experiments.active(project, experimentId);
            for (Spans trace : traces) {
                addSpans(project, experiment, trace);
            }
            runId.ifPresent(
                    run -> link(project, traces.stream().map(Spans::traceId).toList(), new RunId(run)));
        });
    }

    private void addSpans(String project, Experiment experiment, Spans told) {
        long first =
                told.spans().stream().mapToLong(TraceSpan::startedNanos).min().orElse(0);
        long last = told.spans().stream()
                .mapToLong(span -> span.endedNanos().orElse(span.startedNanos()))
                .max()
                .orElse(first);
        store.ensure(
                project,
                experiment.id(),
                told.traceId(),
                Instant.ofEpochMilli(first / 1_000_000),
                Optional.of(last / 1_000_000 - first / 1_000_000));
        Trace trace = get(project, told.traceId());
        Optional<TraceSpan> root =
                told.spans().stream().filter(span -> span.parentId().isEmpty()).findFirst();
        boolean open = trace.state() == Trace.State.IN_PROGRESS || trace.state() == Trace.State.STATE_UNSPECIFIED;
        if (root.isPresent() && open) {
            store.put(ended(trace, root.get(), told));
        }
        var tags = checked(told.resource());
        root.ifPresent(span -> tags.put(Trace.NAME_TAG, Limits.runTagValue(span.name())));
        tags.keySet().removeIf(trace.tags()::containsKey);
        tags.putAll(checked(told.tags()));
        tags.remove(Trace.LOCATION_TAG);
        tags.put(Trace.SPANS_TAG, Trace.KEPT_HERE);
        if (!trace.tags().containsKey(Trace.LOCATION_TAG)) {
            tags.put(Trace.LOCATION_TAG, location(experiment, told.traceId()));
        }
        store.putTags(project, told.traceId(), tags);
        var metadata = checked(told.metadata());
        metadata.keySet().removeIf(trace.metadata()::containsKey);
        store.putMetadata(project, told.traceId(), metadata);
        store.putSpans(project, told.traceId(), told.spans());
        boolean counted =
                told.spans().stream().anyMatch(span -> span.attributes().contains(TraceSpan.USAGE));
        boolean said = trace.metadata().containsKey(Trace.TOLD_METADATA)
                && trace.metadata().containsKey(Trace.USAGE_METADATA);
        if (counted && !said) {
            // Counted anew over all spans, since they come in any order, and some of them twice.
            TokenUsage.ofTrace(store.usages(project, told.traceId()))
                    .ifPresent(usage ->
                            store.putMetadata(project, told.traceId(), Map.of(Trace.USAGE_METADATA, usage.text())));
        }
    }

    private static Trace ended(Trace trace, TraceSpan root, Spans told) {
        return new Trace(
                trace.id(),
                trace.project(),
                trace.experimentId(),
                root.status().equals("ERROR") ? Trace.State.ERROR : Trace.State.OK,
                trace.requestedAt(),
                trace.executionMillis(),
                trace.clientRequestId(),
                trace.requestPreview().isEmpty() ? told.requestPreview() : trace.requestPreview(),
                trace.responsePreview().isEmpty() ? told.responsePreview() : trace.responsePreview(),
                trace.tags(),
                trace.metadata(),
                trace.assessments());
    }

    /** @throws TidemillException {@code NOT_FOUND}, in MLflow's words */
    public Trace get(String project, String id) {
        return store.find(project, id).orElseThrow(() -> missing(id));
    }

    private static TidemillException missing(String id) {
        return new TidemillException(ErrorCode.NOT_FOUND, "Trace with ID '" + id + "' not found.");
    }

    /** Those that are there, each once, in the order of the ids; see {@link TraceStore#findWhole}. */
    public Stream<Trace> getAll(String project, Collection<String> ids) {
        return store.findAll(project, ids.stream().distinct().toList());
    }

    /** As {@link #getAll}, with spans. */
    public Stream<TraceStore.Whole> getAllWhole(String project, Collection<String> ids) {
        return store.findWhole(project, ids.stream().distinct().toList());
    }

    /** @throws TidemillException {@code NOT_FOUND}, in MLflow's words */
    public TraceStore.Whole getWhole(String project, String id) {
        return store.findWhole(project, List.of(id))
                .findFirst()
                .orElseThrow(
                        () -> new TidemillException(ErrorCode.NOT_FOUND, "Trace with ID " + id + " is not found."));
    }

    public void putTags(String project, String id, Map<String, String> tags) {
        var safe = checked(tags);
        safe.keySet().forEach(name -> Limits.key("Tag", name));
        transactions.write(() -> store.putTags(project, get(project, id).id(), safe));
    }

    public void removeTag(String project, String id, String name) {
        transactions.write(() -> {
            if (!store.removeTag(project, id, name)) {
                throw new TidemillException(
                        ErrorCode.NOT_FOUND, "No trace tag with key '" + name + "' for trace with ID '" + id + "'");
            }
        });
    }

    /**
     * Notes which prompts a call used.
     *
     * @param merge gives the tag that names them, from that which is there, empty at first
     */
    public void linkPrompts(String project, String id, UnaryOperator<String> merge) {
        transactions.write(() -> {
            store.lock(project, id);
            String known = get(project, id).tags().getOrDefault(Trace.PROMPTS_TAG, "");
            store.putTags(project, id, Map.of(Trace.PROMPTS_TAG, merge.apply(known)));
        });
    }

    public void link(String project, Collection<String> ids, RunId run) {
        if (ids.size() > MOST_LINKED) {
            throw TidemillException.invalid(
                    "trace_ids",
                    "Cannot link more than 100 traces to a run in a single request. Provided " + ids.size()
                            + " traces.");
        }
        transactions.write(() -> store.link(
                project,
                ids,
                runs.findState(project, run)
                        .orElseThrow(() -> new TidemillException(
                                ErrorCode.NOT_FOUND, "Run with id=" + run.value() + " not found"))));
    }

    /**
     * Removes the oldest traces up to a time, in many short units of work; gives how many there were.
     *
     * @param limit most traces; 0 for all of them
     */
    public long deleteOlder(String project, String experimentId, Instant olderThan, int limit) {
        Optional<Experiment> experiment = experiments.find(project, experimentId);
        if (experiment.isEmpty()) {
            return 0;
        }
        long number = experiment.get().id();
        var left = new AtomicLong(limit == 0 ? Long.MAX_VALUE : limit);
        return ShortUnits.delete(batch -> {
            int most = (int) Math.min(batch, left.get());
            int deleted = most == 0
                    ? 0
                    : transactions.write(
                            () -> delete(project, experiment.get(), store.older(project, number, olderThan, most)));
            left.addAndGet(-deleted);
            return deleted;
        });
    }

    /** Removes those that are there of some traces, all at once; gives how many there were. */
    public long delete(String project, String experimentId, List<String> ids) {
        return transactions.write(() -> experiments
                .find(project, experimentId)
                .map(experiment -> (long) delete(project, experiment, ids))
                .orElse(0L));
    }

    /** Their files are where the server has placed them, whatever a tag says. */
    private int delete(String project, Experiment experiment, List<String> ids) {
        List<String> gone = store.delete(project, experiment.id(), ids);
        gone.stream()
                .filter(id -> PLAIN_ID.matcher(id).matches())
                .forEach(id -> files.deleteOwn(project, location(experiment, id)));
        return gone.size();
    }

    /** Where a trace keeps its attachments. */
    static String location(Experiment experiment, String id) {
        return experiment.artifactLocation() + "/traces/" + id + "/artifacts";
    }

    public Page<Trace> search(
            String project,
            List<String> experimentIds,
            String filter,
            List<String> order,
            Optional<String> token,
            int size) {
        var clauses = TraceKeys.filter(filter);
        var orderings = SearchParser.order(TraceKeys.GRAMMAR, order);
        SearchPage page = SearchPage.parse(token);
        var numbers = Experiments.numbers(experimentIds);
        if (numbers.isEmpty()) {
            return new Page<>(List.of(), Optional.empty());
        }
        Portion<Trace> found = store.search(project, numbers, clauses, TraceKeys.mapped(orderings), page.start(), size);
        if (!found.more()) {
            return new Page<>(found.items(), Optional.empty());
        }
        Trace last = found.items().getLast();
        return new Page<>(
                found.items(),
                Optional.of(page.after(found.items().size(), last.requestedAt(), last.id())
                        .token()));
    }

    /** What is measured over all traces of some experiments. A point that holds no value is left out. */
    public Page<TraceMetrics.Point> metrics(
            String project, List<String> experimentIds, TraceMetrics.Query query, Optional<String> token, int size) {
        long offset = Page.offset(token);
        var numbers = Experiments.numbers(experimentIds);
        var page = Page.cut(store.metrics(project, numbers, query, offset, size), offset, size);
        return new Page<>(
                page.items().stream().filter(point -> !point.values().isEmpty()).toList(), page.next());
    }

    /** How often two filters match, alone and together, of all traces that a third one matches. */
    public record Together(long first, long second, long both, long all) {}

    public Together together(String project, List<String> experimentIds, String first, String second, String base) {
        var numbers = Experiments.numbers(experimentIds);
        return transactions.read(() -> new Together(
                store.count(project, numbers, joined(base, first)),
                store.count(project, numbers, joined(base, second)),
                store.count(project, numbers, joined(base, first, second)),
                store.count(project, numbers, joined(base))));
    }

    private static List<dev.tidemill.platform.search.Comparison> joined(String... filters) {
        var all = new ArrayList<dev.tidemill.platform.search.Comparison>();
        for (String filter : filters) {
            all.addAll(TraceKeys.filter(filter));
        }
        return all;
    }

    private Assessment fresh(Assessment told) {
        Instant now = clock.instant();
        return new Assessment(
                told.id().isEmpty() ? "a-" + RunId.next().value() : told.id(),
                told.traceId(),
                told.name(),
                told.kind(),
                told.value(),
                told.content(),
                told.spanId(),
                told.sourceType(),
                told.sourceId(),
                told.rationale(),
                new TreeMap<>(told.metadata()),
                told.overrides(),
                true,
                told.createdAt().equals(Instant.EPOCH) ? now : told.createdAt(),
                told.updatedAt().equals(Instant.EPOCH) ? now : told.updatedAt());
    }

    /** Adds an assessment; one that it overrides is no longer valid. */
    public Assessment assess(String project, Assessment told) {
        return transactions.write(() -> {
            get(project, told.traceId());
            Assessment made = fresh(told);
            made.overrides().ifPresent(replaced -> setValid(project, made.traceId(), replaced, false));
            if (!store.insertAssessment(project, made)) {
                throw taken(made);
            }
            return made;
        });
    }

    private void setValid(String project, String traceId, String id, boolean valid) {
        store.updateAssessment(assessment(project, traceId, id).asValid(valid));
    }

    public Assessment assessment(String project, String traceId, String id) {
        return store.findAssessment(project, traceId, id)
                .orElseThrow(() -> new TidemillException(
                        ErrorCode.NOT_FOUND,
                        store.find(project, traceId).isEmpty()
                                ? "Trace with request_id '" + traceId + "' not found"
                                : "Assessment with ID '" + id + "' not found for trace '" + traceId + "'"));
    }

    public Assessment reassess(String project, String traceId, String id, Assessment.Change change) {
        return transactions.write(() -> {
            Assessment there = assessment(project, traceId, id);
            change.judgement().ifPresent(judgement -> requireKind(there, judgement.kind()));
            Assessment changed = there.changed(change, clock.instant());
            store.updateAssessment(changed);
            return changed;
        });
    }

    private static void requireKind(Assessment there, Assessment.Kind kind) {
        if (kind != there.kind()) {
            throw TidemillException.invalid(
                    "assessment",
                    "Cannot update " + lowerCase(kind) + " value on "
                            + (there.kind() == Assessment.Kind.FEEDBACK ? "a Feedback" : "an Expectation")
                            + " assessment.");
        }
    }

    private static String lowerCase(Assessment.Kind kind) {
        return kind.name().toLowerCase(java.util.Locale.ROOT);
    }

    /** Removes an assessment, if it is there; one that it overrode is valid again. */
    public void removeAssessment(String project, String traceId, String id) {
        transactions.write(() -> store.findAssessment(project, traceId, id).ifPresent(there -> {
            store.deleteAssessment(id);
            there.overrides()
                    .filter(replaced ->
                            store.findAssessment(project, traceId, replaced).isPresent())
                    .ifPresent(replaced -> setValid(project, traceId, replaced, true));
        }));
    }
}
