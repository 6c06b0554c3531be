package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCacheTest {
    /** Fails where the test says so, and knows that nobody calls it once it is closed. */
    private final class Echo extends FunctionModel {
        private Echo() {
            super(x -> x);
        }

        @Override
        public List<Tensor> predict(List<Tensor> given) {
            assertThat(isClosed()).as("nobody is in a closed model").isFalse();
            if (failing != null) {
                throw failing;
            }
            return super.predict(given);
        }
    }

    @TempDir
    Path directory;

    private final AtomicInteger loads = new AtomicInteger();
    private final List<Echo> made = new ArrayList<>();
    private BlobStore blobs;
    private ModelCache cache;
    private volatile boolean broken;
    private volatile @Nullable Error failing;
    private volatile @Nullable List<Tensor> golden;

    @BeforeEach
    void start() {
        blobs = new FolderBlobStore(directory);
        cache = new ModelCache(
                blobs, new NoInspection(), List.of(this::open), folder -> Optional.ofNullable(golden), 150);
    }

    @AfterEach
    void stop() {
        cache.close();
    }

    private Optional<LoadedModel> open(ModelFolder folder) {
        loads.incrementAndGet();
        if (broken) {
            throw folder.unusable("it is broken");
        }
        var model = new Echo();
        made.add(model);
        return folder.has("model") ? Optional.of(model) : Optional.empty();
    }

    private ServedVersion version(int number) {
        Folder folder = Folder.store(blobs, Map.of("model", ("model " + number).getBytes(StandardCharsets.UTF_8)));
        return new ServedVersion("default", "m", number, folder.digest(), false);
    }

    @Test
    void manyWhoWantAModelAtOnceGetTheSame() throws Exception {
        ServedVersion version = version(1);
        var together = new CountDownLatch(1);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var waiting = new ArrayList<java.util.concurrent.Future<LoadedModel>>();
            for (int i = 0; i < 50; i++) {
                waiting.add(threads.submit(() -> {
                    together.await();
                    try (ModelHandle handle = cache.acquire(version)) {
                        return handle.model();
                    }
                }));
            }
            together.countDown();
            for (var one : waiting) {
                assertThat(one.get()).isSameAs(made.getFirst());
            }
        }
        assertThat(loads).hasValue(1);
    }

    @Test
    void noModelIsClosedUnderACallWhenTheCacheIs() {
        ModelHandle handle = cache.acquire(version(1));
        cache.acquire(version(2)).close();
        cache.close();
        assertThat(made.get(0).isClosed()).as("in use").isFalse();
        assertThat(made.get(1).isClosed()).as("idle").isTrue();
        handle.close();
        assertThat(made.get(0).isClosed()).isTrue();
    }

    /** Native code holds the carrier of a virtual thread as long as it runs. */
    @Test
    void modelsAreLoadedAndTriedOnThreadsOfTheSystem() throws Exception {
        var loaded = new AtomicInteger();
        var virtual = new AtomicInteger();
        var watched = new ModelCache(
                blobs,
                new NoInspection(),
                List.of(folder -> {
                    loaded.incrementAndGet();
                    virtual.addAndGet(Thread.currentThread().isVirtual() ? 1 : 0);
                    return Optional.of(new FunctionModel(x -> {
                        virtual.addAndGet(Thread.currentThread().isVirtual() ? 1 : 0);
                        return x;
                    }));
                }),
                folder -> Optional.empty(),
                150);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            threads.submit(() -> watched.acquire(version(1)).close()).get();
        }
        watched.acquire(version(2)).close();
        watched.close();
        assertThat(loaded).hasValue(2);
        assertThat(virtual).hasValue(0);
    }

    @Test
    void whatNobodyUsesMakesRoomAndWhatSomebodyUsesStays() {
        ModelHandle used = cache.acquire(version(1));
        cache.acquire(version(2)).close();
        cache.acquire(version(3)).close();
        assertThat(made.get(0).isClosed()).isFalse();
        assertThat(made.get(1).isClosed()).isTrue();
        used.close();
        used.close();
        cache.acquire(version(4)).close();
        assertThat(made.get(0).isClosed()).isTrue();
        cache.acquire(version(1)).close();
        assertThat(loads).hasValue(5);
    }

    @Test
    void aHandleThatWasLeftOpenKeepsTheModelThroughUnloading() {
        ServedVersion version = version(1);
        ModelHandle handle = cache.acquire(version);
        assertThat(cache.unload(version)).isFalse();
        assertThat(handle.enter()).isTrue();
        handle.close();
        assertThat(cache.unload(version)).isFalse();
        handle.leave();
        assertThat(cache.unload(version)).isTrue();
        assertThat(handle.enter()).isFalse();
        assertThat(cache.isLoaded(version)).isFalse();
    }

    @Test
    void aFailedLoadIsToldAndTriedAgain() {
        ServedVersion version = version(1);
        broken = true;
        assertThatThrownBy(() -> cache.acquire(version))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("m/1 cannot be served: it is broken");
        broken = false;
        cache.acquire(version).close();
        assertThat(cache.isLoaded(version)).isTrue();
        cache.closeIdle(Duration.ofNanos(-1));
        assertThat(made.getFirst().isClosed()).isTrue();
    }

    @Test
    void whateverEndsALoadIsToldToThoseWhoWait() {
        for (Error error : List.of(new OutOfMemoryError("Java heap space"), new LinkageError("no library"))) {
            failing = error;
            assertThatThrownBy(() -> cache.acquire(version(1)))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining(error.getMessage());
            assertThat(made.getLast().isClosed()).as("nothing is left loaded").isTrue();
        }
        failing = null;
        cache.acquire(version(1)).close();
        assertThat(loads).hasValue(3);
    }

    @Test
    void aFolderThatNoRuntimeKnowsIsSaidSo() {
        Folder folder = Folder.store(blobs, Map.of("other", new byte[0]));
        assertThatThrownBy(() -> cache.acquire(new ServedVersion("default", "m", 9, folder.digest(), false)))
                .hasMessageContaining("none of its flavors");
    }

    @Test
    void aModelThatItsMakersRowsDoNotFitIsNotGivenToAnybody() {
        golden = List.of(ColumnValues.column("x", List.of("calm")));
        assertThatThrownBy(() -> cache.acquire(version(1)))
                .hasMessageContaining("its own input example does not fit it")
                .hasMessageContaining("'calm', which is no FP64");
        assertThat(made.getFirst().isClosed()).isTrue();
        golden = List.of(ColumnValues.column("x", List.of(1.0)));
        cache.acquire(version(1)).close();
        assertThat(loads).hasValue(2);
    }
}
