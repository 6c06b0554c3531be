package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobCache;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.MovableClock;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
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
        return store(database, client, Clock.systemUTC());
    }

    private BucketBlobStore store(String database, S3Client client, Clock clock) {
        return new BucketBlobStore(
                () -> client,
                BucketStores.place(folder),
                new BlobCache(new FolderBlobStore(folder.resolve(database)), 1 << 20, clock),
                () -> database,
                database,
                clock);
    }

    private String key(String name) {
        return BucketStores.prefix(folder) + "/" + name;
    }

    private void put(String name) {
        Moto.client()
                .putObject(
                        request -> request.bucket(Moto.BUCKET).key(key(name)), RequestBody.fromString("of somebody"));
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

    /** Nobody takes away what a server has left that was killed while it claimed. */
    @Test
    void aClaimThatWasLeftCountsForAnHour() {
        put("claims/killed");
        var soon = store("one", Moto.client(), new MovableClock(Instant.now().plus(Duration.ofMinutes(50))));
        assertThatThrownBy(soon::check).isInstanceOfSatisfying(TidemillException.class, refusal -> {
            assertThat(refusal.message()).contains("claims the bucket").contains("(killed, since ");
            assertThat(refusal.remedy().orElseThrow())
                    .contains("'" + key("claims/killed") + "', or wait: it counts for an hour");
        });
        store("one", Moto.client(), new MovableClock(Instant.now().plus(Duration.ofMinutes(70))))
                .check();
        assertThatThrownBy(() -> store("killed", Moto.client()).check())
                .hasMessageContaining("another database (one, not killed)");
        store("one", Moto.client()).check();
    }

    /** Its claim may have been taken for one that was left. */
    @Test
    void whoClaimsForTooLongBecomesNoOwner() {
        var clock = new MovableClock(Instant.now());
        ExecutionInterceptor slow = new ExecutionInterceptor() {
            @Override
            public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
                if (context.request() instanceof ListObjectsV2Request) {
                    clock.advance(Duration.ofMinutes(40));
                }
            }
        };
        assertThatThrownBy(() -> store("one", Moto.client(slow), clock).check())
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
        store("two", Moto.client()).check();
    }

    @Test
    void aPlaceThatIsInUseIsRefusedWithSomeOfWhatIsThere() {
        var store = store("one", Moto.client());
        store.requireEmpty();
        for (int i = 0; i < 5; i++) {
            put("found/" + i);
        }
        assertThatThrownBy(store::requireEmpty).isInstanceOfSatisfying(TidemillException.class, refusal -> {
            assertThat(refusal.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION);
            assertThat(refusal.message())
                    .contains("5 of them")
                    .contains("'" + key("found/0") + "', '" + key("found/1") + "', '" + key("found/2") + "'")
                    .doesNotContain("found/3");
        });
    }
}
