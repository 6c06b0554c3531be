package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Registered models under their own names, loaded when somebody asks for one. A name or an alias that moves to another version
 * does so only once that version is loaded; until then the old one answers. Thread-safe.
 */
final class ModelRepository {
    private static final Logger LOG = LoggerFactory.getLogger(ModelRepository.class);
    private static final Duration FRESH = Duration.ofSeconds(1);

    /** What a name stood for at a time. */
    private static final class Slot {
        private volatile @Nullable ServedVersion version;
        private volatile long checkedAt;
        private final AtomicBoolean refreshing = new AtomicBoolean();
    }

    private final ModelCatalog catalog;
    private final ModelCache cache;
    private final ConcurrentMap<String, Slot> slots = new ConcurrentHashMap<>();
    private final Set<String> unloaded = ConcurrentHashMap.newKeySet();

    ModelRepository(ModelCatalog catalog, ModelCache cache) {
        this.catalog = catalog;
        this.cache = cache;
    }

    /**
     * The version that a name stands for now.
     *
     * @param version number or alias; none for the newest
     * @throws TidemillException {@code NOT_FOUND}, or {@code UNAVAILABLE} if it was unloaded by hand
     */
    ServedVersion resolve(String project, String name, Optional<String> version) {
        if (unloaded.contains(Gateway.key(project, name))) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "Model '" + name + "' is not ready: it was unloaded by hand")
                    .remedy("Load it: POST /v2/repository/models/" + name + "/load");
        }
        String key = Gateway.key(project, name) + "~" + version.orElse("");
        Slot slot = slots.computeIfAbsent(key, unused -> new Slot());
        ServedVersion known = slot.version;
        if (known == null) {
            ServedVersion found = find(project, name, version).orElseGet(() -> {
                slots.remove(key, slot);
                throw unknown(name, version);
            });
            slot.checkedAt = System.nanoTime();
            slot.version = found;
            return found;
        }
        if (System.nanoTime() - slot.checkedAt > FRESH.toNanos() && slot.refreshing.compareAndSet(false, true)) {
            Thread.ofVirtual().start(() -> refresh(key, slot, project, name, version));
        }
        return known;
    }

    /** A version in memory, held until its handle is closed. */
    record Held(ServedVersion version, ModelHandle handle) implements AutoCloseable {
        @Override
        public void close() {
            handle.close();
        }
    }

    /**
     * The version that a name stands for, in memory. Where it cannot be served the registry is asked again first: somebody may
     * have trusted it, or moved the name, a moment ago.
     *
     * @param known what {@link #resolve} has said
     */
    Held hold(String project, String name, Optional<String> version, ServedVersion known) {
        try {
            return new Held(known, cache.acquire(known));
        } catch (TidemillException e) {
            Optional<ServedVersion> now = find(project, name, version);
            if (now.isEmpty() || now.get().equals(known)) {
                throw e;
            }
            Slot slot = slots.get(Gateway.key(project, name) + "~" + version.orElse(""));
            var held = new Held(now.get(), cache.acquire(now.get()));
            if (slot != null) {
                slot.version = now.get();
            }
            return held;
        }
    }

    private Optional<ServedVersion> find(String project, String name, Optional<String> version) {
        return catalog.find(project, name, version);
    }

    private void refresh(String key, Slot slot, String project, String name, Optional<String> version) {
        try {
            Optional<ServedVersion> found = find(project, name, version);
            ServedVersion known = slot.version;
            if (found.isEmpty()) {
                slots.remove(key, slot);
            } else if (known != null && known.mayMoreThan(found.get())) {
                // Whether or not it can be loaded so: it may not go on as it is.
                slot.version = found.get();
                cache.retire(known);
            } else if (!found.get().equals(slot.version)) {
                cache.acquire(found.get()).close();
                slot.version = found.get();
            }
        } catch (RuntimeException e) {
            LOG.warn("'{}' goes on with {}: {}", name, slot.version, e.toString());
        } finally {
            slot.checkedAt = System.nanoTime();
            slot.refreshing.set(false);
        }
    }

    List<ServedVersion> list(String project) {
        return catalog.list(project);
    }

    boolean isLoaded(ServedVersion version) {
        return cache.isLoaded(version);
    }

    boolean isUnloaded(String project, String name) {
        return unloaded.contains(Gateway.key(project, name));
    }

    /** Loads the newest version, waiting until it is there. */
    void load(String project, String name) {
        ServedVersion found = find(project, name, Optional.empty()).orElseThrow(() -> unknown(name, Optional.empty()));
        cache.acquire(found).close();
        unloaded.remove(Gateway.key(project, name));
    }

    /** Answers nobody any more under this name, and frees the memory once the last request is done. */
    void unload(String project, String name) {
        ServedVersion found = find(project, name, Optional.empty()).orElseThrow(() -> unknown(name, Optional.empty()));
        unloaded.add(Gateway.key(project, name));
        cache.unload(found);
    }

    /** Names that stand for a version with more trust than it has now are looked up anew. */
    void trustChanged(ServedVersion now) {
        slots.values().removeIf(slot -> {
            ServedVersion known = slot.version;
            return known != null && known.mayMoreThan(now);
        });
    }

    void forget() {
        slots.clear();
        unloaded.clear();
    }

    static TidemillException unknown(String name, Optional<String> version) {
        return new TidemillException(
                        ErrorCode.NOT_FOUND,
                        "Request for unknown model: "
                                + version.map(text -> "version '" + text + "' of '" + name + "' is not found")
                                        .orElse("'" + name + "' is not found"))
                .remedy("Only a version whose files are kept here is called; one that is archived only by its number");
    }
}
