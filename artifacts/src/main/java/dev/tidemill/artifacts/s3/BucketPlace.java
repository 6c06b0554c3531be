package dev.tidemill.artifacts.s3;

/**
 * A part of a bucket.
 *
 * @param prefix without slashes around it; may be empty
 */
record BucketPlace(String bucket, String prefix) {
    private static final String SCHEME = "s3://";

    /** @param uri as {@code s3://bucket/prefix} */
    static BucketPlace parse(String uri) {
        String rest = uri.substring(SCHEME.length());
        int slash = rest.indexOf('/');
        return slash < 0
                ? new BucketPlace(rest, "")
                : new BucketPlace(
                        rest.substring(0, slash), rest.substring(slash + 1).replaceFirst("/+$", ""));
    }

    /** The key of what has a name below the prefix. */
    String key(String name) {
        return prefix.isEmpty() ? name : prefix + "/" + name;
    }

    @Override
    public String toString() {
        return prefix.isEmpty() ? SCHEME + bucket : SCHEME + bucket + "/" + prefix;
    }
}
