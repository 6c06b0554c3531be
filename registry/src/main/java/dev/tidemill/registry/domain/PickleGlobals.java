package dev.tidemill.registry.domain;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a pickle may refer to: callables that rebuild data and do nothing else, each under the module that defines it, with how it
 * may be used. The list is made from what the libraries' own pickles name ({@code registry/tools/pickle_globals.py}) and is in a
 * resource; what it does not hold is refused, names by which other modules re-export the same included.
 */
public final class PickleGlobals {
    private static final String RESOURCE = "pickle-globals.txt";

    /**
     * An entry.
     *
     * @param called whether a pickle may call it ({@code REDUCE})
     * @param made whether a pickle may make an instance of it without its initialiser ({@code NEWOBJ})
     */
    public record Global(String module, String name, boolean called, boolean made) {
        @Override
        public String toString() {
            return module + "." + name;
        }
    }

    private static final Map<String, Global> LISTED = read();

    private PickleGlobals() {}

    /** The entry of a name under the module that defines it; empty for what is not listed, and so refused. */
    public static Optional<Global> find(String module, String name) {
        return Optional.ofNullable(LISTED.get(module + " " + name));
    }

    /** Every entry, in the list's order. */
    static List<Global> all() {
        return LISTED.values().stream()
                .sorted(java.util.Comparator.comparing(Global::toString))
                .toList();
    }

    private static Map<String, Global> read() {
        var listed = new HashMap<String, Global>();
        for (String line : lines()) {
            String[] parts = line.split(" ");
            String uses = parts.length > 2 ? parts[2] : "";
            listed.put(
                    parts[0] + " " + parts[1], new Global(parts[0], parts[1], uses.contains("c"), uses.contains("m")));
        }
        return Map.copyOf(listed);
    }

    private static List<String> lines() {
        var lines = new ArrayList<String>();
        try (InputStream resource = PickleGlobals.class.getResourceAsStream(RESOURCE)) {
            if (resource == null) {
                throw new IllegalStateException(RESOURCE + " is not in the jar");
            }
            var reader = new BufferedReader(new InputStreamReader(resource, StandardCharsets.UTF_8));
            String line;
            while ((line = reader.readLine()) != null) {
                if (!line.startsWith("#") && !line.isBlank()) {
                    lines.add(line.strip());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return lines;
    }
}
