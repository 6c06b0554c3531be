package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.ModelDescription;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelInspector;
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
    private static final ModelInspector INSPECTOR = new ModelInspector() {
        @Override
        public ModelFiles inspect(Folder folder) {
            throw new AssertionError("nothing asks for it");
        }

        @Override
        public ModelDescription describe(Folder folder) {
            return new ModelDescription(Map.of(), Optional.empty());
        }
    };

    /** Answers its input; remembers whether it was closed. */
    private final class Echo implements LoadedModel {
        private volatile boolean closed;

        @Override
        public String platform() {
            return "echo";
        }

        @Override
        public List<TensorSpec> inputs() {
            return List.of(TensorSpec.column("x", Datatype.FP64, false));
        }

        @Override
        public List<TensorSpec> outputs() {
            return inputs();
        }

        @Override
        public List<Tensor> predict(List<Tensor> given) {
            assertThat(closed).as("nobody is in a closed model").isFalse();
            if (failing != null) {
                throw failing;
            }
            return given;
        }

        @Override
        public long bytes() {
            return 100;
        }

        @Override
        public void close() {
            closed = true;
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
        cache = new ModelCache(blobs, INSPECTOR, List.of(this::open), folder -> Optional.ofNullable(golden), 150);
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
    void whatNobodyUsesMakesRoomAndWhatSomebodyUsesStays() {
        ModelHandle used = cache.acquire(version(1));
        cache.acquire(version(2)).close();
        cache.acquire(version(3)).close();
        assertThat(made.get(0).closed).isFalse();
        assertThat(made.get(1).closed).isTrue();
        used.close();
        used.close();
        cache.acquire(version(4)).close();
        assertThat(made.get(0).closed).isTrue();
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
        assertThat(made.getFirst().closed).isTrue();
    }

    @Test
    void whateverEndsALoadIsToldToThoseWhoWait() {
        for (Error error : List.of(new OutOfMemoryError("Java heap space"), new LinkageError("no library"))) {
            failing = error;
            assertThatThrownBy(() -> cache.acquire(version(1)))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining(error.getMessage());
            assertThat(made.getLast().closed).as("nothing is left loaded").isTrue();
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
        golden = List.of(Tensor.column("x", List.of("calm")));
        assertThatThrownBy(() -> cache.acquire(version(1)))
                .hasMessageContaining("its own input example does not fit it")
                .hasMessageContaining("'calm', which is no FP64");
        assertThat(made.getFirst().closed).isTrue();
        golden = List.of(Tensor.column("x", List.of(1.0)));
        cache.acquire(version(1)).close();
        assertThat(loads).hasValue(2);
    }
}
