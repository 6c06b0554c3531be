package dev.tidemill.artifacts.s3;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Binds a part of a bucket to the one database whose rows name its blobs: a server with another database would take all of them for
 * blobs that nobody names, and remove them. Thread-safe.
 */
final class BucketOwner {
    private static final String NAME = "owner";
    private static final String CLAIMS = "claims/";
    private static final int LONGEST = 200;

    private final BucketObjects objects;
    private final Supplier<String> database;
    private volatile boolean known;

    BucketOwner(BucketObjects objects, Supplier<String> database) {
        this.objects = objects;
        this.database = database;
    }

    /** As {@link #look}, until that has ended well once. */
    void require() {
        if (!known) {
            look();
        }
    }

    /**
     * Asks whose the bucket is, and makes it this database's if it is nobody's.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if it is another database's
     */
    void look() {
        String self = database.get();
        Optional<String> owner = read();
        if (owner.isEmpty()) {
            claim(self);
            owner = read();
        }
        known = owner.equals(Optional.of(self));
        if (!known) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "The bucket " + objects.place() + " holds the artifacts of another database ("
                                    + owner.orElse("nobody") + ", not " + self + ")")
                    .at("artifacts.store")
                    .remedy(
                            "Give each server a prefix of its own. If the other database is gone for good, delete the object '"
                                    + objects.place().key(NAME) + "'");
        }
    }

    /**
     * Whoever claims writes an object of its own, looks for those of others, and becomes the owner only if there is none, and still no
     * owner; it takes its own away only then. Of two one sees the other, or sees that it has become the owner. So it holds also in stores
     * that know no condition, or heed none.
     */
    private void claim(String self) {
        String claim = CLAIMS + self;
        objects.put(claim, "");
        try {
            var others = new ArrayList<String>();
            objects.list(
                    CLAIMS,
                    page -> page.stream()
                            .map(BucketObjects.Listed::name)
                            .filter(name -> !name.equals(claim))
                            .forEach(others::add));
            if (!others.isEmpty()) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "Another database claims the bucket " + objects.place() + " at this time ("
                                        + others.getFirst().substring(CLAIMS.length()) + ", not " + self + ")")
                        .at("artifacts.store")
                        .remedy(
                                "Give each server a prefix of its own, and start again. If no other server has been started, delete the"
                                        + " object '" + objects.place().key(others.getFirst()) + "'");
            }
            if (read().isEmpty() && !objects.putFirst(NAME, self)) {
                objects.put(NAME, self);
            }
        } finally {
            objects.delete(claim);
        }
    }

    private Optional<String> read() {
        return objects.open(NAME).map(content -> {
            try (InputStream text = content) {
                return new String(text.readNBytes(LONGEST), StandardCharsets.UTF_8).strip();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }
}
