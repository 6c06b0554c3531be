package dev.tidemill.inference.domain;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.ModelInspector;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Models in memory, by the digest of their folder. One that nobody uses stays until others need its room. A model is tried
 * before anybody gets it. Thread-safe.
 */
public final class ModelCache implements ModelLoader, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ModelCache.class);
    /** An environment may have to be built first. */
    private static final Duration PATIENCE = Duration.ofMinutes(15);

    /** Equal folders are one model, but not for whom its code is not trusted: they must not get what others' trust has loaded. */
    private record Contents(Digest folder, boolean trusted, boolean network, String trustedVersion) {
        static Contents of(ServedVersion version) {
            // Trust is given to a version and taken back from it, whoever else has the same files.
            String own = version.trusted() ? version.project() + "/" + version.reference() : "";
            return new Contents(version.folder(), version.trusted(), version.network(), own);
        }
    }

    private final BlobStore blobs;
    private final ModelInspector inspector;
    private final List<ModelRuntime> runtimes;
    private final GoldenRows golden;
    private final long budget;
    private final WaitingRoom room = new WaitingRoom();
    private final ConcurrentMap<Contents, LoadedEntry> entries = new ConcurrentHashMap<>();

    /**
     * @param runtimes asked in this order
     * @param golden what each must answer before anybody gets it
     * @param budget bytes above which models that nobody uses are closed, the longest unused first
     */
    public ModelCache(
            BlobStore blobs, ModelInspector inspector, List<ModelRuntime> runtimes, GoldenRows golden, long budget) {
        this.golden = golden;
        this.blobs = blobs;
        this.inspector = inspector;
        this.runtimes = List.copyOf(runtimes);
        this.budget = budget;
    }

    @Override
    public ModelHandle acquire(ServedVersion version) {
        while (true) {
            LoadedEntry entry = entries.computeIfAbsent(Contents.of(version), unused -> new LoadedEntry(room.line()));
            if (!entry.retain()) {
                entries.remove(Contents.of(version), entry);
                continue;
            }
            if (entry.isLoaded() && entry.model().isStale()) {
                if (entries.remove(Contents.of(version), entry)) {
                    entry.retire();
                }
                entry.release();
                continue;
            }
            if (entry.claim()) {
                loadOnThreadOfTheSystem(version, entry);
            }
            await(version, entry);
            return new ModelHandle(entry);
        }
    }

    /** Whether a version is loaded now. */
    public boolean isLoaded(ServedVersion version) {
        LoadedEntry entry = entries.get(Contents.of(version));
        return entry != null && entry.isLoaded();
    }

    /** Closes a model that nobody uses; false if somebody does, or it is not loaded. */
    public boolean unload(ServedVersion version) {
        LoadedEntry entry = entries.get(Contents.of(version));
        return entry != null && closed(Contents.of(version), entry);
    }

    /** Has nobody call a model as it is loaded now, and closes it: it is not trusted any more with what it was. */
    void retire(ServedVersion version) {
        LoadedEntry entry = entries.remove(Contents.of(version));
        if (entry != null) {
            entry.retire();
        }
    }

    /** Closes every model that nobody has used for so long. */
    public void closeIdle(Duration longerThan) {
        entries.forEach((contents, entry) -> {
            if (entry.idleNanos() > longerThan.toNanos()) {
                closed(contents, entry);
            }
        });
    }

    /** A load calls native code for long, which must not hold a carrier of virtual threads (ADR 13). */
    private void loadOnThreadOfTheSystem(ServedVersion version, LoadedEntry entry) {
        if (!Thread.currentThread().isVirtual()) {
            load(version, entry);
            return;
        }
        try {
            Thread.ofPlatform()
                    .daemon()
                    .name("load-" + version.reference())
                    .start(LoadTurn.carried(() -> load(version, entry)))
                    .join();
        } catch (InterruptedException e) {
            // The load goes on for others; who waits for it below is told.
            Thread.currentThread().interrupt();
        } catch (Error e) {
            // No thread could be had.
            entries.remove(Contents.of(version), entry);
            entry.loaded().completeExceptionally(e);
        }
    }

    private void load(ServedVersion version, LoadedEntry entry) {
        long started = System.nanoTime();
        try {
            LoadTurn.resume();
            Folder files = Folder.load(blobs, version.folder());
            var folder = new ModelFolder(version, inspector.describe(files), files, blobs);
            LoadedModel model = runtimes.stream()
                    .map(runtime -> runtime.open(folder))
                    .flatMap(Optional::stream)
                    .findFirst()
                    .orElseThrow(() -> folder.unusable("none of its flavors "
                            + folder.description().flavors().keySet() + " can be run here"));
            try {
                Trial.of(model, folder, golden.of(folder));
            } catch (RuntimeException | Error e) {
                model.close();
                throw e;
            }
            entry.loaded().complete(model);
            LOG.info("Loaded {} on {} in {} ms", version.reference(), model.platform(), millis(started));
            makeRoom();
        } catch (RuntimeException | Error e) {
            // Whatever it was, nobody may wait for it for ever.
            entries.remove(Contents.of(version), entry);
            entry.loaded().completeExceptionally(e);
        }
    }

    private static long millis(long started) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started);
    }

    private static void await(ServedVersion version, LoadedEntry entry) {
        try {
            if (entry.loaded().isDone()) {
                entry.loaded().get();
            } else {
                awaitInLine(entry);
            }
        } catch (ExecutionException e) {
            entry.release();
            if (e.getCause() instanceof TidemillException coded) {
                throw coded;
            }
            LOG.warn("{} could not be loaded", version.reference(), e.getCause());
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "Model " + version.reference() + " cannot be served: " + e.getCause())
                    .causedBy(e);
        } catch (TimeoutException e) {
            entry.release();
            throw new TidemillException(
                    ErrorCode.UNAVAILABLE, "Model " + version.reference() + " is still being loaded");
        } catch (InterruptedException e) {
            entry.release();
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        }
    }

    private static void awaitInLine(LoadedEntry entry)
            throws ExecutionException, TimeoutException, InterruptedException {
        try {
            entry.line().enter();
        } catch (TidemillException full) {
            entry.release();
            throw full;
        }
        try {
            // Somebody else loads it.
            LoadTurn.leave();
            entry.loaded().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } finally {
            entry.line().leave();
        }
    }

    /** The model just loaded is in use, hence never closed here. */
    private void makeRoom() {
        long taken = entries.values().stream()
                .filter(LoadedEntry::isLoaded)
                .mapToLong(entry -> entry.model().bytes())
                .sum();
        List<Map.Entry<Contents, LoadedEntry>> idle = entries.entrySet().stream()
                .filter(one -> one.getValue().isIdle())
                .sorted(Comparator.comparingLong(one -> -one.getValue().idleNanos()))
                .toList();
        for (Map.Entry<Contents, LoadedEntry> one : idle) {
            if (taken <= budget) {
                return;
            }
            long bytes = one.getValue().model().bytes();
            if (closed(one.getKey(), one.getValue())) {
                taken -= bytes;
            }
        }
    }

    private boolean closed(Contents contents, LoadedEntry entry) {
        if (!entry.closeIfIdle()) {
            return false;
        }
        entries.remove(contents, entry);
        return true;
    }

    /** Has nobody call a model any more. One that is native code is closed once the calls under way have left it. */
    @Override
    public void close() {
        entries.values().forEach(entry -> {
            entry.retire();
            if (entry.isLoaded() && entry.model().isElsewhere()) {
                // Its processes end with this one, whoever waits for them.
                entry.model().close();
            }
        });
        entries.clear();
    }
}
