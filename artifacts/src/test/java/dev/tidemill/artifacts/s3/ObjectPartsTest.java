package dev.tidemill.artifacts.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.Moto;
import dev.tidemill.platform.ids.Ids;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.s3.S3Client;

/** Objects that are made of parts, against {@link Moto}. */
class ObjectPartsTest {
    /** The least that a part may have. */
    private static final long PART = 5L << 20;

    @TempDir
    Path folder;

    private S3Client client;
    private BucketObjects objects;

    @BeforeEach
    void start() {
        client = Moto.client();
        objects = new BucketObjects(
                () -> client, new BucketPlace(Moto.BUCKET, "parts/" + folder.getFileName()), PART, Clock.systemUTC());
    }

    @Test
    void aLargeObjectIsSentAndCopiedInParts() throws Exception {
        byte[] content = new byte[(int) (2 * PART + 12_345)];
        new Random(1).nextBytes(content);
        Path file = Files.write(folder.resolve("large"), content);

        objects.put("large", file, content.length, Ids.sha256(content));
        assertThat(objects.copy("large", "copy")).isTrue();

        for (String name : new String[] {"large", "copy"}) {
            try (InputStream stored = objects.open(name).orElseThrow()) {
                assertThat(stored.readAllBytes()).as(name).isEqualTo(content);
            }
            assertThat(objects.find(name).orElseThrow().size()).isEqualTo(content.length);
        }
        assertThat(objects.copy("nothing", "copy of nothing")).isFalse();
    }

    @Test
    void aLargeObjectThatFailsLeavesNoParts() throws Exception {
        Path file = Files.write(folder.resolve("large"), new byte[(int) PART]);
        // It is shorter than it is said to be, as where the disk fails.
        assertThatThrownBy(() -> objects.put("large", file, 2 * PART, "0".repeat(64)))
                .isInstanceOf(RuntimeException.class);
        assertThat(objects.find("large")).isEmpty();
        assertThat(client.listMultipartUploads(request -> request.bucket(Moto.BUCKET))
                        .uploads())
                .isEmpty();
    }

    /** moto takes what others refuse: content of another digest than it is told. */
    @Test
    void theBucketIsToldTheDigestOfWhatItGets() throws Exception {
        byte[] content = new byte[(int) PART + 1];
        Path file = Files.write(folder.resolve("file"), content);
        var told = new ConcurrentLinkedQueue<String>();
        S3Client telling = Moto.client(new ExecutionInterceptor() {
            @Override
            public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
                context.request()
                        .getValueForField("ChecksumSHA256", String.class)
                        .ifPresent(told::add);
            }
        });
        var place = new BucketPlace(Moto.BUCKET, "parts/" + folder.getFileName());

        new BucketObjects(() -> telling, place, PART, Clock.systemUTC())
                .put("parts", file, content.length, Ids.sha256(content));
        new BucketObjects(() -> telling, place, 2 * PART, Clock.systemUTC())
                .put("whole", file, content.length, Ids.sha256(content));

        assertThat(told).containsExactly(base64(new byte[(int) PART]), base64(new byte[1]), base64(content));
    }

    private static String base64(byte[] content) {
        return Base64.getEncoder().encodeToString(HexFormat.of().parseHex(Ids.sha256(content)));
    }

    @Test
    void aListOfMoreThanAPageIsToldPageByPage() throws Exception {
        int many = 1_203;
        for (int i = 0; i < many; i++) {
            objects.put("many/" + i, "");
        }
        var pages = new ArrayList<Integer>();
        objects.list("many/", page -> {
            pages.add(page.size());
            objects.delete(page.stream().map(BucketObjects.Listed::name).toList());
        });
        assertThat(pages).containsExactly(1_000, many - 1_000);
        objects.list("many/", page -> assertThat(page).isEmpty());
    }
}
