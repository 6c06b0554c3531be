package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobCache;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.MovableClock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.DeleteObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;

/** Several who set aside, bring back and store the same blob of one bucket at once; none tells the others. */
class BucketCollectorsTest {
    private static final byte[] CONTENT = "wanted by many".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path folder;

    private final MovableClock clock = new MovableClock(Instant.now());
    private Pausing pausing;
    private BucketBlobStore one;
    private BucketBlobStore two;
    private BucketBlobStore three;
    private Digest digest;
    /** After everything that is there now. */
    private Instant before;

    @BeforeEach
    void start() {
        pausing = new Pausing();
        S3Client plain = Moto.client();
        S3Client hooked = Moto.client(pausing);
        one = store("one", plain);
        two = store("two", hooked);
        three = store("three", plain);
        digest = one.put(CONTENT).digest();
        before = Instant.now().plus(Duration.ofMinutes(1));
    }

    private BucketBlobStore store(String name, S3Client client) {
        return new BucketBlobStore(
                () -> client,
                BucketStores.place(folder),
                new BlobCache(new FolderBlobStore(folder.resolve(name)), 1 << 20, clock),
                () -> "database",
                name,
                clock);
    }

    /** Does something just before the next request of a kind to a blob in its place. */
    private static final class Pausing implements ExecutionInterceptor {
        private record Hook(Class<?> kind, Runnable work) {}

        private final Queue<Hook> next = new ConcurrentLinkedQueue<>();

        void before(Class<?> kind, Runnable work) {
            next.add(new Hook(kind, work));
        }

        @Override
        public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
            String key = context.request().getValueForField("Key", String.class).orElse("");
            if (key.contains("/blobs/")) {
                next.stream()
                        .filter(hook -> hook.kind().isInstance(context.request()))
                        .findFirst()
                        .filter(next::remove)
                        .ifPresent(hook -> hook.work().run());
            }
        }
    }

    private boolean isThere() {
        return one.find(digest).isPresent();
    }

    @Test
    void whatIsStoredWhileItIsSetAsideComesBack() {
        Instant longAgo = waited();
        pausing.before(DeleteObjectRequest.class, () -> one.put(CONTENT));
        assertThat(two.setAside(digest, longAgo)).isFalse();
        assertThat(isThere()).isTrue();
        two.removeAside(digest);
        assertThat(isThere()).isTrue();
    }

    @Test
    void whoFindsThatItHasJustGoneStoresItAnew() {
        pausing.before(
                HeadObjectRequest.class,
                () -> assertThat(one.setAside(digest, before)).isTrue());
        two.put(CONTENT);
        assertThat(isThere()).isTrue();
        one.removeAside(digest);
        assertThat(isThere()).isTrue();
    }

    @Test
    void whatIsStoredBetweenTwoWhoSetItAsideIsLostByNeither() {
        Instant longAgo = waited();
        pausing.before(DeleteObjectRequest.class, () -> {
            assertThat(one.setAside(digest, longAgo)).isTrue();
            three.put(CONTENT);
            one.removeAside(digest);
        });
        assertThat(two.setAside(digest, longAgo)).isFalse();
        assertThat(isThere()).isTrue();
    }

    @Test
    void aCollectionThatBeginsTakesNothingFromOneThatIsUnderWay() {
        pausing.before(DeleteObjectRequest.class, one::bringAllBack);
        assertThat(two.setAside(digest, before)).isTrue();
        assertThat(isThere()).isFalse();
        two.bringBack(digest);
        assertThat(isThere()).isTrue();
    }

    @Test
    void whatOneHasSetAsideOthersRead() throws Exception {
        assertThat(two.setAside(digest, before)).isTrue();
        assertThat(one.openAside(digest).orElseThrow().readAllBytes()).isEqualTo(CONTENT);
        one.removeAside(digest);
        assertThat(one.openAside(digest)).as("it is the other's").isPresent();
        two.bringBack(digest);
        assertThat(one.openAside(digest).orElseThrow().readAllBytes()).isEqualTo(CONTENT);
    }

    @Test
    void whatOneThatHasEndedLeftAsideComesBackAtOnceAndItsCopyGoesLater() {
        assertThat(two.setAside(digest, before)).isTrue();
        one.bringAllBack();
        assertThat(isThere()).isTrue();
        // Had it only been slow, it would still have its copy.
        assertThat(one.setAside(digest, Instant.now().plus(Duration.ofMinutes(1))))
                .isTrue();
        one.removeAside(digest);
        assertThat(one.openAside(digest)).isPresent();
        clock.advance(Duration.ofDays(3));
        one.bringAllBack();
        assertThat(isThere()).isTrue();
        assertThat(one.setAside(digest, Instant.now().plus(Duration.ofMinutes(1))))
                .isTrue();
        one.removeAside(digest);
        assertThat(one.openAside(digest)).isEmpty();
    }

    @Test
    void whoIsKilledBetweenCopyAndDeletionLeavesItInItsPlace() {
        pausing.before(DeleteObjectRequest.class, () -> {
            throw new AssertionError("killed");
        });
        assertThatThrownBy(() -> two.setAside(digest, before)).hasMessageContaining("killed");
        assertThat(isThere()).isTrue();
        two.bringAllBack();
        assertThat(isThere()).isTrue();
        assertThat(two.setAside(digest, before)).isTrue();
        two.removeAside(digest);
        assertThat(two.openAside(digest)).isEmpty();
    }

    /** A time after the blob was stored, and before whatever is stored from now on: the bucket's clock goes in seconds. */
    private static Instant waited() {
        Instant stored = Instant.now().plusSeconds(1);
        Await.until("a second of the bucket's time", () -> Instant.now().isAfter(stored.plusMillis(1100)));
        return stored;
    }
}
