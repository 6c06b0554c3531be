package dev.tidemill.artifacts.s3;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Binds a part of a bucket to the one database whose rows name its blobs: a server with another database would take all of them for
 * blobs that nobody names, and remove them. Thread-safe.
 */
final class BucketOwner {
    private static final Logger LOG = LoggerFactory.getLogger(BucketOwner.class);
    private static final String NAME = "owner";
    private static final String CLAIMS = "claims/";
    private static final int LONGEST = 200;

    /** Whoever claims ends within this time, or gives up; after it, a claim is that of a server that was killed. */
    private static final Duration STALE = Duration.ofHours(1);

    /** By clocks that differ by less than the rest. */
    private static final Duration PROMPT = STALE.dividedBy(2);

    private final BucketObjects objects;
    private final Supplier<String> database;
    private final Clock clock;
    private volatile boolean known;

    BucketOwner(BucketObjects objects, Supplier<String> database, Clock clock) {
        this.objects = objects;
        this.database = database;
        this.clock = clock;
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
     * that know no condition, or heed none. A claim that a killed server has left keeps others away for an hour.
     */
    private void claim(String self) {
        String claim = CLAIMS + self;
        Instant begun = clock.instant();
        objects.put(claim, "");
        try {
            requireNoOther(self, claim, begun.minus(STALE));
            if (read().isEmpty()) {
                requirePrompt(begun);
                if (!objects.putFirst(NAME, self)) {
                    objects.put(NAME, self);
                }
            }
        } finally {
            objects.delete(claim);
        }
    }

    private void requireNoOther(String self, String claim, Instant stale) {
        var others = new ArrayList<BucketObjects.Listed>();
        objects.list(
                CLAIMS,
                page -> page.stream()
                        .filter(other -> !other.name().equals(claim))
                        .forEach(others::add));
        for (BucketObjects.Listed other : others) {
            if (other.modified().isBefore(stale)) {
                LOG.warn(
                        "{} of {} is of a server that has ended, and goes",
                        objects.place().key(other.name()),
                        other.modified());
                objects.delete(other.name());
            } else {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "Another database claims the bucket " + objects.place() + " at this time ("
                                        + other.name().substring(CLAIMS.length()) + ", since " + other.modified()
                                        + ", not " + self + ")")
                        .at("artifacts.store")
                        .remedy("Give each server a prefix of its own, and start again. If no other server has been"
                                + " started, delete the object '"
                                + objects.place().key(other.name()) + "', or wait: it counts for an hour");
            }
        }
    }

    /** Somebody may have taken the claim for one that was left. */
    private void requirePrompt(Instant begun) {
        if (clock.instant().isAfter(begun.plus(PROMPT))) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "To claim the bucket " + objects.place() + " took since " + begun + ", which is too long")
                    .remedy("Start again");
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
