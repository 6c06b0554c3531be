package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tidemill.artifacts.domain.ExternalFiles;
import dev.tidemill.artifacts.s3.BucketFiles;
import dev.tidemill.artifacts.s3.BucketRoot;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** Against moto, an S3 server of its own process; {@code make peers} installs it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BucketFilesTest extends ExternalFilesContract {
    private Process server;
    private S3Client client;

    @BeforeAll
    void start() throws IOException, InterruptedException {
        Path moto = Path.of("..", ".cache", "peers", "moto", "bin", "moto_server");
        assumeTrue(Files.isExecutable(moto), "no S3 server (moto): `make peers` installs it");
        int port = freePort();
        server = new ProcessBuilder(moto.toString(), "-H", "127.0.0.1", "-p", String.valueOf(port))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        Instant deadline = Instant.now().plus(Duration.ofSeconds(60));
        while (!answers(port)) {
            assertThat(Instant.now()).as("moto did not start").isBefore(deadline);
            Thread.sleep(100);
        }
        client = S3Client.builder()
                .endpointOverride(URI.create("http://127.0.0.1:" + port))
                .forcePathStyle(true)
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")))
                .httpClient(UrlConnectionHttpClient.create())
                .build();
        client.createBucket(request -> request.bucket("artifacts"));
    }

    @AfterAll
    void stop() {
        if (server != null) {
            server.destroyForcibly();
        }
    }

    @Override
    ExternalFiles files() {
        return new BucketFiles(() -> client, "artifacts", "team/mlflow");
    }

    @Override
    void write(String path, String content) {
        client.putObject(
                request -> request.bucket("artifacts").key("team/mlflow/" + path), RequestBody.fromString(content));
    }

    @Test
    void aBucketThatDoesNotAnswerIsSaidSo() throws IOException {
        var unreachable = BucketRoot.of(
                "s3://nowhere/a", java.util.Map.of("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:" + freePort()));

        assertThatThrownBy(() -> unreachable.list("1"))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("nowhere");
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static boolean answers(int port) {
        try (var socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }
}
