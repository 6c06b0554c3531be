package dev.tidemill.artifacts.s3;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** An {@code s3://bucket/prefix} root; credentials and endpoint come from the environment that every S3 client reads. */
public final class BucketRoot {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private BucketRoot() {}

    /**
     * What lies below a root.
     *
     * @param environment may name another endpoint: {@code AWS_ENDPOINT_URL_S3}, {@code AWS_ENDPOINT_URL} or, as MLflow's
     *     clients have it, {@code MLFLOW_S3_ENDPOINT_URL}
     */
    public static BucketFiles of(String root, Map<String, String> environment) {
        String rest = root.substring("s3://".length());
        int slash = rest.indexOf('/');
        String bucket = slash < 0 ? rest : rest.substring(0, slash);
        String prefix = slash < 0 ? "" : rest.substring(slash + 1);
        return new BucketFiles(new Lazy(environment), bucket, prefix);
    }

    /** Makes the client at its first use: its classes cost a starting server half a second. */
    private static final class Lazy implements java.util.function.Supplier<S3Client> {
        private final Map<String, String> environment;
        private Optional<S3Client> made = Optional.empty();

        private Lazy(Map<String, String> environment) {
            this.environment = environment;
        }

        @Override
        public synchronized S3Client get() {
            if (made.isEmpty()) {
                made = Optional.of(client(environment));
            }
            return made.get();
        }
    }

    private static S3Client client(Map<String, String> environment) {
        var builder = S3Client.builder()
                .httpClient(UrlConnectionHttpClient.builder()
                        .connectionTimeout(PATIENCE)
                        .socketTimeout(PATIENCE)
                        .build())
                // Stores that speak S3 rarely have a domain name for each bucket.
                .forcePathStyle(true);
        Optional<String> endpoint = java.util.stream.Stream.of(
                        "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL")
                .map(environment::get)
                .filter(value -> value != null && !value.isBlank())
                .findFirst();
        endpoint.ifPresent(address -> builder.endpointOverride(URI.create(address)));
        if (environment.get("AWS_REGION") == null && environment.get("AWS_DEFAULT_REGION") == null) {
            builder.region(Region.US_EAST_1);
        } else {
            builder.region(Region.of(Optional.ofNullable(environment.get("AWS_REGION"))
                    .orElseGet(() -> environment.get("AWS_DEFAULT_REGION"))));
        }
        return builder.build();
    }
}
