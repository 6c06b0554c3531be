/** Files in buckets, by the S3 protocol. */
@org.jspecify.annotations.NullMarked
package dev.tidemill.artifacts.s3;
