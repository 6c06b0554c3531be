package dev.tidemill.artifacts.s3;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.UnitOfWork;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.NoSuchBucketException;

/**
 * Whether a bucket answers. While it does not, one call every two seconds tries, and all others are refused at once: each would hold
 * its thread until the client gives up. Thread-safe.
 */
final class Reachability {
    private static final Logger LOG = LoggerFactory.getLogger(Reachability.class);
    private static final Duration PAUSE = Duration.ofSeconds(2);
    private static final Duration LATER = Duration.ofSeconds(5);
    private static final int FORBIDDEN = 403;
    private static final int SERVER_ERRORS = 500;

    private record Away(Instant since, Instant nextTry, String reason) {}

    private final BucketPlace place;
    private final Clock clock;
    /** Guarded by this. */
    private Optional<Away> away = Optional.empty();

    Reachability(BucketPlace place, Clock clock) {
        this.place = place;
        this.clock = clock;
    }

    /** Since when the bucket has not answered; empty if it does. */
    synchronized Optional<Instant> awaySince() {
        return away.map(Away::since);
    }

    /** @throws TidemillException {@code UNAVAILABLE} if the bucket did not answer just now */
    synchronized void require() {
        if (away.isPresent() && clock.instant().isBefore(away.get().nextTry())) {
            throw unavailable(away.get().reason());
        }
    }

    /**
     * The answer to a call.
     *
     * @throws TidemillException {@code UNAVAILABLE} if there is none
     */
    <T> T answered(Supplier<T> call) {
        assert !UnitOfWork.isUnderWay() : "a bucket is asked within a unit of work";
        letThrough();
        try {
            T answer = call.get();
            answers();
            return answer;
        } catch (AbortedException e) {
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        } catch (SdkException e) {
            String reason = String.valueOf(e.getMessage());
            if (isAway(e)) {
                tell(reason);
            }
            throw unavailable(reason).causedBy(e);
        }
    }

    /** Refuses all but the one that tries. */
    private synchronized void letThrough() {
        require();
        away = away.map(known -> new Away(known.since(), clock.instant().plus(PAUSE), known.reason()));
    }

    private synchronized void answers() {
        if (away.isPresent()) {
            LOG.info("The bucket {} answers again", place);
            away = Optional.empty();
        }
    }

    private synchronized void tell(String reason) {
        Instant now = clock.instant();
        if (away.isEmpty()) {
            LOG.warn("The bucket {} does not answer; it is tried until it does: {}", place, reason);
        }
        away = Optional.of(new Away(away.map(Away::since).orElse(now), now.plus(PAUSE), reason));
    }

    /** Not a refusal of one object alone. */
    private static boolean isAway(SdkException failure) {
        return !(failure instanceof AwsServiceException answer)
                || answer.statusCode() >= SERVER_ERRORS
                || isRefused(failure);
    }

    /** Whether it is an answer: that there is no such bucket, or that it is not for this server. */
    static boolean isRefused(@Nullable Throwable failure) {
        return failure instanceof AwsServiceException answer
                && (answer.statusCode() == FORBIDDEN || answer instanceof NoSuchBucketException);
    }

    private TidemillException unavailable(String reason) {
        return new TidemillException(
                        ErrorCode.UNAVAILABLE, "The bucket " + place + " with the artifacts did not answer: " + reason)
                .remedy("If it goes on, look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and"
                        + " AWS_ENDPOINT_URL_S3 of the server")
                .retryAfter(LATER);
    }
}
