package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobCache;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** Whose a part of a bucket is, in stores that know conditional requests and in those that do not. */
class BucketOwnerTest {
    @TempDir
    Path folder;

    /** Answers conditional requests as stores do that do not know them, and lets a test do something before the owner is written. */
    private static final class Unconditional implements ExecutionInterceptor {
        private final AtomicReference<Runnable> before = new AtomicReference<>(() -> {});

        @Override
        public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
            if (context.request() instanceof PutObjectRequest put && put.key().endsWith("/owner")) {
                before.getAndSet(() -> {}).run();
                if (put.ifNoneMatch() != null) {
                    throw S3Exception.builder()
                            .statusCode(501)
                            .message("NotImplemented")
                            .build();
                }
            }
        }
    }

    private BucketBlobStore store(String database, S3Client client) {
        return new BucketBlobStore(
                () -> client,
                BucketStores.place(folder),
                new BlobCache(new FolderBlobStore(folder.resolve(database)), 1 << 20, Clock.systemUTC()),
                () -> database,
                database,
                Clock.systemUTC());
    }

    @Test
    void aStoreWithoutConditionsHasAnOwnerTooAndRefusesAnother() {
        S3Client client = Moto.client(new Unconditional());
        var one = store("one", client);
        one.check();
        assertThat(one.awaySince()).isEmpty();
        store("one", client).check();
        assertThatThrownBy(() -> store("two", client).check())
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("another database (one, not two)");
    }

    @Test
    void ofTwoThatClaimItAtOnceOneIsRefused() {
        var hook = new Unconditional();
        var one = store("one", Moto.client(hook));
        var two = store("two", Moto.client(new Unconditional()));
        hook.before.set(() -> assertThatThrownBy(two::check)
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("claims the bucket"));
        one.check();
        assertThatThrownBy(two::check).hasMessageContaining("another database (one, not two)");
        one.check();
    }
}
