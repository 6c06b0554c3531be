package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

/** moto, an S3 server of its own process, one for all tests of this process; {@code make peers} installs it. */
public final class Moto {
    public static final String BUCKET = "artifacts";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static int port;

    private Moto() {}

    /** Starts it, unless it has been; skips the test where it is not installed. */
    static synchronized int port() {
        if (port == 0) {
            Path moto = Path.of("..", ".cache", "peers", "moto", "bin", "moto_server");
            assumeTrue(Files.isExecutable(moto), "no S3 server (moto): `make peers` installs it");
            int free = freePort();
            start(moto, free);
            client(free, PATIENCE).createBucket(request -> request.bucket(BUCKET));
            port = free;
        }
        return port;
    }

    private static void start(Path moto, int free) {
        try {
            Process server = new ProcessBuilder(moto.toString(), "-H", "127.0.0.1", "-p", String.valueOf(free))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(server::destroyForcibly));
            Instant deadline = Instant.now().plus(PATIENCE);
            while (!answers(free)) {
                assertThat(Instant.now()).as("moto did not start").isBefore(deadline);
                Thread.sleep(100);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    public static S3Client client() {
        return client(port(), PATIENCE);
    }

    /** A client that tells of its calls. */
    public static S3Client client(ExecutionInterceptor interceptor) {
        return builder(port(), PATIENCE)
                .overrideConfiguration(how -> how.addExecutionInterceptor(interceptor))
                .build();
    }

    /** A client of whatever listens at a port. */
    static S3Client client(int port, Duration patience) {
        return builder(port, patience).build();
    }

    private static S3ClientBuilder builder(int port, Duration patience) {
        return S3Client.builder()
                .endpointOverride(URI.create("http://127.0.0.1:" + port))
                .forcePathStyle(true)
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")))
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .httpClient(UrlConnectionHttpClient.builder()
                        .connectionTimeout(patience)
                        .socketTimeout(patience)
                        .build());
    }

    static int freePort() {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
