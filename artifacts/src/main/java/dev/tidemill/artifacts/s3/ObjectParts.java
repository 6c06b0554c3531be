package dev.tidemill.artifacts.s3;

import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/** Makes large objects of parts, each with its SHA-256. One that fails leaves nothing, unless the bucket is away then too. */
final class ObjectParts {
    private static final int MOST_PARTS = 10_000;

    private final S3Client client;
    private final BucketPlace place;
    private final long least;

    /** @param least bytes of a part, but the last; more where there would be too many */
    ObjectParts(S3Client client, BucketPlace place, long least) {
        this.client = client;
        this.place = place;
        this.least = least;
    }

    /** One part of an object that is being made. */
    private interface Part {
        CompletedPart make(String upload, int number, long from, long length);
    }

    void send(String name, Path file, long size) {
        String key = place.key(name);
        make(key, size, (upload, number, from, length) -> {
            String checksum = sha256(file, from, length);
            var answer = client.uploadPart(
                    request -> request.bucket(place.bucket())
                            .key(key)
                            .uploadId(upload)
                            .partNumber(number)
                            .checksumSHA256(checksum),
                    RequestBody.fromContentProvider(
                            () -> new FilePart(file, from, length), length, "application/octet-stream"));
            return CompletedPart.builder()
                    .partNumber(number)
                    .eTag(answer.eTag())
                    .checksumSHA256(checksum)
                    .build();
        });
    }

    void copy(String from, String to, long size) {
        String key = place.key(to);
        make(key, size, (upload, number, start, length) -> {
            var result = client.uploadPartCopy(request -> request.sourceBucket(place.bucket())
                            .sourceKey(place.key(from))
                            .destinationBucket(place.bucket())
                            .destinationKey(key)
                            .uploadId(upload)
                            .partNumber(number)
                            .copySourceRange("bytes=" + start + "-" + (start + length - 1)))
                    .copyPartResult();
            return CompletedPart.builder()
                    .partNumber(number)
                    .eTag(result.eTag())
                    .checksumSHA256(result.checksumSHA256())
                    .build();
        });
    }

    private void make(String key, long size, Part part) {
        String upload = client.createMultipartUpload(
                        request -> request.bucket(place.bucket()).key(key).checksumAlgorithm(ChecksumAlgorithm.SHA256))
                .uploadId();
        try {
            long length = Math.max(least, (size + MOST_PARTS - 1) / MOST_PARTS);
            List<CompletedPart> parts = new ArrayList<>();
            for (long from = 0; from < size; from += length) {
                parts.add(part.make(upload, parts.size() + 1, from, Math.min(length, size - from)));
            }
            client.completeMultipartUpload(request -> request.bucket(place.bucket())
                    .key(key)
                    .uploadId(upload)
                    .multipartUpload(whole -> whole.parts(parts)));
        } catch (RuntimeException | Error e) {
            abort(key, upload, e);
            throw e;
        }
    }

    private void abort(String key, String upload, Throwable reason) {
        try {
            client.abortMultipartUpload(
                    request -> request.bucket(place.bucket()).key(key).uploadId(upload));
        } catch (SdkException e) {
            reason.addSuppressed(e);
        }
    }

    private static String sha256(Path file, long from, long length) {
        MessageDigest digest = Ids.sha256Digest();
        try (var content = new DigestInputStream(new FilePart(file, from, length), digest)) {
            content.transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Base64.getEncoder().encodeToString(digest.digest());
    }
}
