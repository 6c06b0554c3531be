package dev.tidemill.inference;

import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Takes predictions as the journal's table does: the first of each id stays. Thread-safe. */
public final class TableSink implements PredictionSink {
    private final Map<Prediction.Key, Prediction> rows = new LinkedHashMap<>();
    private final Consumer<List<Prediction>> before;

    public TableSink() {
        this(batch -> {});
    }

    /** @param before is called with what is given, and refuses it by what it throws */
    public TableSink(Consumer<List<Prediction>> before) {
        this.before = before;
    }

    @Override
    public Taken append(List<Prediction> batch) {
        before.accept(batch);
        int written = 0;
        var reused = new ArrayList<Prediction>();
        synchronized (rows) {
            for (Prediction row : batch) {
                Prediction known = rows.putIfAbsent(row.key(), row);
                if (known == null) {
                    written++;
                } else if (!known.features().equals(row.features())) {
                    reused.add(row);
                }
            }
        }
        return new Taken(written, reused);
    }

    /** What it holds by id, in the order in which it came. */
    public Map<String, Prediction> rows() {
        var byId = new LinkedHashMap<String, Prediction>();
        synchronized (rows) {
            rows.values().forEach(row -> byId.put(row.id(), row));
        }
        return byId;
    }

    /** Forgets all. */
    public void clear() {
        synchronized (rows) {
            rows.clear();
        }
    }
}
