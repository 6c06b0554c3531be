package dev.tidemill.artifacts.s3;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** The objects of a part of a bucket by their names below its prefix. Thread-safe. */
final class BucketObjects {
    /** What is larger goes in parts. */
    static final long LARGE = 64L << 20;

    private static final int NOT_FOUND = 404;
    private static final int EXISTS = 412;
    private static final int CONFLICT = 409;
    private static final int NOT_IMPLEMENTED = 501;
    /** People wait for many such looks. */
    private static final Duration LOOK = Duration.ofSeconds(5);
    /** For a call without much content; one that is not answered is not made again after it. */
    private static final Duration SHORT = Duration.ofSeconds(15);
    /** The bucket copies by itself, within one part's size. */
    private static final Duration COPY = Duration.ofMinutes(2);
    /** So many objects are named where none should be, and so many are counted. */
    private static final int NAMED = 3;

    private static final int COUNTED = 10_000;
    /** Whoever sends less is as one who sends nothing. */
    private static final long LEAST_BYTES_PER_SECOND = 128 << 10;

    private final Supplier<S3Client> client;
    private final BucketPlace place;
    private final Reachability reachability;
    private final long large;

    /** An object as a list tells it. */
    record Listed(String name, long size, Instant modified) {}

    /** What is known of one object. */
    record Known(long size, Instant modified) {}

    /** @param large bytes above which an object is sent and copied in parts of so many */
    BucketObjects(Supplier<S3Client> client, BucketPlace place, long large, Clock clock) {
        this.client = client;
        this.place = place;
        this.large = large;
        this.reachability = new Reachability(place, clock);
    }

    BucketPlace place() {
        return place;
    }

    Reachability reachability() {
        return reachability;
    }

    Optional<Known> find(String name) {
        return reachability.answered(() -> {
            try {
                var head = client.get()
                        .headObject(request -> request.bucket(place.bucket())
                                .key(place.key(name))
                                .overrideConfiguration(limits -> limits.apiCallTimeout(LOOK)));
                return Optional.of(new Known(head.contentLength(), head.lastModified()));
            } catch (S3Exception e) {
                return absent(e);
            }
        });
    }

    /** The content of an object; empty if there is none. A stream that breaks off fails with an {@code IOException}. */
    Optional<InputStream> open(String name) {
        return reachability.answered(() -> {
            try {
                return Optional.of(client.get()
                        .getObject(request -> request.bucket(place.bucket())
                                .key(place.key(name))
                                .overrideConfiguration(limits -> limits.apiCallTimeout(SHORT))));
            } catch (S3Exception e) {
                return absent(e);
            }
        });
    }

    /** A bucket that is not there is no object that is not there. */
    private static <T> Optional<T> absent(S3Exception failure) {
        boolean absent = failure instanceof NoSuchKeyException
                || (failure.statusCode() == NOT_FOUND
                        && !"NoSuchBucket"
                                .equals(
                                        failure.awsErrorDetails() == null
                                                ? ""
                                                : failure.awsErrorDetails().errorCode()));
        if (!absent) {
            throw failure;
        }
        return Optional.empty();
    }

    /** Sends a file whose content has a SHA-256, which the bucket compares. */
    void put(String name, Path file, long size, String sha256) {
        reachability.answered(() -> {
            if (size > large) {
                new ObjectParts(client.get(), place, large).send(name, file, size);
            } else {
                String checksum =
                        Base64.getEncoder().encodeToString(HexFormat.of().parseHex(sha256));
                client.get()
                        .putObject(
                                request -> request.bucket(place.bucket())
                                        .key(place.key(name))
                                        .checksumSHA256(checksum)
                                        .overrideConfiguration(limits -> limits.apiCallTimeout(
                                                SHORT.plusSeconds(size / LEAST_BYTES_PER_SECOND))),
                                RequestBody.fromFile(file));
            }
            return true;
        });
    }

    void put(String name, String content) {
        reachability.answered(() -> client.get()
                .putObject(
                        request -> request.bucket(place.bucket())
                                .key(place.key(name))
                                .overrideConfiguration(limits -> limits.apiCallTimeout(SHORT)),
                        RequestBody.fromString(content)));
    }

    /** Makes an object, unless it is there already; false, and nothing is made, in a store that knows no such condition. */
    boolean putFirst(String name, String content) {
        return reachability.answered(() -> {
            try {
                client.get()
                        .putObject(
                                request -> request.bucket(place.bucket())
                                        .key(place.key(name))
                                        .ifNoneMatch("*")
                                        .overrideConfiguration(limits -> limits.apiCallTimeout(SHORT)),
                                RequestBody.fromString(content));
            } catch (S3Exception e) {
                if (e.statusCode() == NOT_IMPLEMENTED) {
                    return false;
                }
                // Somebody else makes it just now, or it is there.
                if (e.statusCode() != EXISTS && e.statusCode() != CONFLICT) {
                    throw e;
                }
            }
            return true;
        });
    }

    /** Copies an object within the bucket; false if it is not there. */
    boolean copy(String from, String to) {
        Optional<Known> known = find(from);
        return known.isPresent()
                && reachability.answered(() -> {
                    try {
                        if (known.get().size() > large) {
                            new ObjectParts(client.get(), place, large)
                                    .copy(from, to, known.get().size());
                        } else {
                            client.get()
                                    .copyObject(request -> request.sourceBucket(place.bucket())
                                            .sourceKey(place.key(from))
                                            .destinationBucket(place.bucket())
                                            .destinationKey(place.key(to))
                                            .overrideConfiguration(limits -> limits.apiCallTimeout(COPY)));
                        }
                        return true;
                    } catch (S3Exception e) {
                        return absent(e).isPresent();
                    }
                });
    }

    /** Deletes an object; does nothing where there is none. */
    void delete(String name) {
        reachability.answered(() -> client.get()
                .deleteObject(request -> request.bucket(place.bucket())
                        .key(place.key(name))
                        .overrideConfiguration(limits -> limits.apiCallTimeout(SHORT))));
    }

    void delete(List<String> names) {
        // One by one: for many at once some stores want a checksum that the client does not send.
        names.forEach(this::delete);
    }

    /**
     * Refuses a place that is in use; the refusal names some of what is there.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if there is any object
     */
    void requireEmpty() {
        var first = new ArrayList<String>();
        var count = new AtomicInteger();
        list("", page -> {
            page.stream()
                    .limit(NAMED - Math.min(NAMED, first.size()))
                    .forEach(object -> first.add("'" + place.key(object.name()) + "'"));
            if (count.addAndGet(page.size()) > COUNTED) {
                throw inUse(first, "more than " + COUNTED);
            }
        });
        if (count.get() > 0) {
            throw inUse(first, String.valueOf(count.get()));
        }
    }

    private TidemillException inUse(List<String> first, String count) {
        return new TidemillException(
                        ErrorCode.FAILED_PRECONDITION,
                        "There are objects in " + place + ", " + count + " of them, such as "
                                + String.join(", ", first))
                .at("artifacts.store")
                .remedy("Name a prefix of the bucket with nothing in it");
    }

    /** Tells every object whose name begins so, a page of a thousand at a time; what is done with a page may ask the bucket. */
    void list(String beginning, Consumer<List<Listed>> page) {
        int cut = place.key("").length();
        Optional<String> next = Optional.empty();
        do {
            var request = ListObjectsV2Request.builder()
                    .bucket(place.bucket())
                    .prefix(place.key(beginning))
                    .overrideConfiguration(limits -> limits.apiCallTimeout(SHORT));
            next.ifPresent(request::continuationToken);
            var answer = reachability.answered(() -> client.get().listObjectsV2(request.build()));
            var listed = new ArrayList<Listed>();
            answer.contents()
                    .forEach(object ->
                            listed.add(new Listed(object.key().substring(cut), object.size(), object.lastModified())));
            page.accept(listed);
            next = Boolean.TRUE.equals(answer.isTruncated())
                    ? Optional.of(answer.nextContinuationToken())
                    : Optional.empty();
        } while (next.isPresent());
    }
}
