package dev.tidemill.platform.http;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds a request's route from method and path before the web framework sees it. Of several that match, the one declared
 * first is meant, as the framework has it. Immutable after construction.
 */
final class RouteIndex {
    private record Entry(int position, Route route) {}

    /** One step in a path: what may follow literally, as a parameter, or as the rest. */
    private static final class Step {
        private final Map<String, Step> literal = new HashMap<>();
        private final Map<String, Entry> ends = new HashMap<>();
        private final Map<String, Entry> rests = new HashMap<>();
        private @org.jspecify.annotations.Nullable Step parameter;
    }

    private final Step root = new Step();

    RouteIndex(List<Route> routes) {
        for (int i = 0; i < routes.size(); i++) {
            add(i, routes.get(i));
        }
    }

    private void add(int position, Route route) {
        String method = route.method().name();
        Step step = root;
        for (String segment : segments(route.path())) {
            if (segment.startsWith("<")) {
                step.rests.putIfAbsent(method, new Entry(position, route));
                return;
            }
            if (segment.startsWith("{")) {
                Step next = step.parameter == null ? new Step() : step.parameter;
                step.parameter = next;
                step = next;
            } else {
                step = step.literal.computeIfAbsent(segment, key -> new Step());
            }
        }
        step.ends.putIfAbsent(method, new Entry(position, route));
    }

    /** The route of a request; {@code HEAD} is answered by the route of {@code GET}. */
    Optional<Route> find(String method, String path) {
        var found = new ArrayList<Entry>(2);
        collect(root, method.equals("HEAD") ? "GET" : method, segments(path), 0, found);
        Entry first = null;
        for (Entry entry : found) {
            if (first == null || entry.position() < first.position()) {
                first = entry;
            }
        }
        return Optional.ofNullable(first).map(Entry::route);
    }

    private static void collect(Step step, String method, List<String> segments, int at, List<Entry> found) {
        Entry rest = step.rests.get(method);
        if (rest != null && at < segments.size()) {
            found.add(rest);
        }
        if (at == segments.size()) {
            Entry end = step.ends.get(method);
            if (end != null) {
                found.add(end);
            }
            return;
        }
        Step literal = step.literal.get(segments.get(at));
        if (literal != null) {
            collect(literal, method, segments, at + 1, found);
        }
        if (step.parameter != null) {
            collect(step.parameter, method, segments, at + 1, found);
        }
    }

    private static List<String> segments(String path) {
        var segments = new ArrayList<String>(8);
        int from = 0;
        while (from < path.length()) {
            int slash = path.indexOf('/', from);
            int to = slash < 0 ? path.length() : slash;
            if (to > from) {
                segments.add(path.substring(from, to));
            }
            from = to + 1;
        }
        return segments;
    }
}
