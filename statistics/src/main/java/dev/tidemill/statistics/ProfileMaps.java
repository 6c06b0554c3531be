package dev.tidemill.statistics;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Profiles as plain maps and lists, for whoever writes them down. */
public final class ProfileMaps {
    private ProfileMaps() {}

    /** Rows, and for each column, in order of name, its edges or values and its counts. */
    public static Map<String, Object> toMap(WindowProfile profile) {
        var columns = new TreeMap<String, Object>();
        profile.bins().forEach((name, bins) -> {
            var column = new LinkedHashMap<String, Object>();
            switch (bins) {
                case Bins.Numeric numeric -> column.put("edges", numeric.edges());
                case Bins.Categories categories -> column.put("values", categories.values());
            }
            column.put("counts", profile.counts(name).clone());
            columns.put(name, column);
        });
        var map = new LinkedHashMap<String, Object>();
        map.put("rows", profile.rows());
        map.put("columns", columns);
        return map;
    }

    /** The inverse, also after a round through JSON. */
    public static WindowProfile fromMap(Map<?, ?> map) {
        var bins = new TreeMap<String, Bins>();
        var counts = new TreeMap<String, long[]>();
        ((Map<?, ?>) required(map, "columns")).forEach((name, value) -> {
            Map<?, ?> column = (Map<?, ?>) value;
            bins.put(String.valueOf(name), bins(column));
            counts.put(String.valueOf(name), longs(required(column, "counts")));
        });
        return WindowProfile.of(bins, counts, ((Number) required(map, "rows")).longValue());
    }

    private static Bins bins(Map<?, ?> column) {
        if (column.get("edges") instanceof List<?> edges) {
            var numbers = new ArrayList<Double>();
            edges.forEach(edge -> numbers.add(((Number) edge).doubleValue()));
            return new Bins.Numeric(numbers);
        }
        var values = new ArrayList<String>();
        ((List<?>) required(column, "values")).forEach(value -> values.add(String.valueOf(value)));
        return new Bins.Categories(values);
    }

    private static Object required(Map<?, ?> map, String key) {
        Object value = map.get(key);
        if (value == null) {
            throw new IllegalArgumentException("a profile has '" + key + "'");
        }
        return value;
    }

    private static long[] longs(Object counts) {
        if (counts instanceof long[] array) {
            return array.clone();
        }
        return ((List<?>) counts)
                .stream().mapToLong(count -> ((Number) count).longValue()).toArray();
    }
}
