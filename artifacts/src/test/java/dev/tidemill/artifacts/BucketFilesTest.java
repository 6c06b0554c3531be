package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.ExternalFiles;
import dev.tidemill.artifacts.s3.BucketFiles;
import dev.tidemill.artifacts.s3.BucketRoot;
import dev.tidemill.platform.errors.TidemillException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** Against {@link Moto}. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BucketFilesTest extends ExternalFilesContract {
    private S3Client client;

    @BeforeAll
    void start() {
        client = Moto.client();
    }

    @Override
    ExternalFiles files() {
        return new BucketFiles(() -> client, Moto.BUCKET, "team/mlflow");
    }

    @Override
    void write(String path, String content) {
        client.putObject(
                request -> request.bucket(Moto.BUCKET).key("team/mlflow/" + path), RequestBody.fromString(content));
    }

    @Test
    void aBucketThatDoesNotAnswerIsSaidSo() {
        var unreachable = BucketRoot.of(
                "s3://nowhere/a", java.util.Map.of("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:" + Moto.freePort()));

        assertThatThrownBy(() -> unreachable.list("1"))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("nowhere");
    }
}
