package dev.tidemill.artifacts.s3;

import java.util.Map;

/** An {@code s3://bucket/prefix} root; credentials and endpoint come from the environment that every S3 client reads. */
public final class BucketRoot {
    private BucketRoot() {}

    /**
     * What lies below a root.
     *
     * @param environment may name another endpoint: {@code AWS_ENDPOINT_URL_S3}, {@code AWS_ENDPOINT_URL} or, as MLflow's
     *     clients have it, {@code MLFLOW_S3_ENDPOINT_URL}
     */
    public static BucketFiles of(String root, Map<String, String> environment) {
        BucketPlace place = BucketPlace.parse(root);
        return new BucketFiles(new LazyClient(environment), place.bucket(), place.prefix());
    }
}
