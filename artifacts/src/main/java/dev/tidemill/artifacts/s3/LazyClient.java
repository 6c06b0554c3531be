package dev.tidemill.artifacts.s3;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** Makes the client at its first use: its classes cost a starting server half a second. Thread-safe. */
final class LazyClient implements Supplier<S3Client> {
    private static final Duration CONNECTED = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Map<String, String> environment;
    private Optional<S3Client> made = Optional.empty();

    /** @param environment may name another endpoint and a region */
    LazyClient(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public synchronized S3Client get() {
        if (made.isEmpty()) {
            made = Optional.of(client());
        }
        return made.get();
    }

    private S3Client client() {
        var builder = S3Client.builder()
                .httpClient(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECTED)
                        .socketTimeout(PATIENCE)
                        .build())
                // Other stores than Amazon's know no checksum that nobody asked for.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                // Stores that speak S3 rarely have a domain name for each bucket.
                .forcePathStyle(true);
        first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL")
                .ifPresent(address -> builder.endpointOverride(URI.create(address)));
        builder.region(first("AWS_REGION", "AWS_DEFAULT_REGION").map(Region::of).orElse(Region.US_EAST_1));
        return builder.build();
    }

    private Optional<String> first(String... names) {
        return Stream.of(names)
                .map(environment::get)
                .filter(value -> value != null && !value.isBlank())
                .findFirst();
    }
}
