package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/**
 * Spares a caller who comes again at once the look into the database. What this process takes away is gone with its next
 * request; what another replica takes away, within a second. Refusals are never remembered. While the database is away a caller
 * who was known stays known for ten minutes, so that loaded models go on answering, as a gateway's do. Thread-safe.
 */
public final class RememberedCallers implements Authentication {
    private static final Duration VALID = Duration.ofSeconds(1);
    private static final Duration KEPT = Duration.ofMinutes(10);
    /** How long a look may take before the database counts as away. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    /** For how long nobody waits for it again then. */
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private static final int MOST = 10_000;

    private record Caller(String secretHash, boolean session) {}

    private record Membership(Principal principal, String project) {}

    private record Known<T>(T value, long change, Instant seen) {
        boolean isFresh(Instant now) {
            return now.isBefore(seen.plus(VALID));
        }

        boolean isKept(Instant now) {
            return now.isBefore(seen.plus(KEPT));
        }
    }

    private final Authentication source;
    private final LongSupplier changes;
    private final Clock clock;
    private final ConcurrentMap<Caller, Known<Principal>> callers = new ConcurrentHashMap<>();
    private final ConcurrentMap<Membership, Known<Role>> roles = new ConcurrentHashMap<>();
    private volatile Instant awayUntil = Instant.MIN;

    /** @param changes a number that grows whenever a right has been taken away */
    public RememberedCallers(Authentication source, LongSupplier changes, Clock clock) {
        this.source = source;
        this.changes = changes;
        this.clock = clock;
    }

    @Override
    public Optional<Principal> authenticate(Credentials credentials) {
        var caller = new Caller(credentials.secret().map(Ids::sha256).orElse(""), credentials.session());
        return remembered(callers, caller, () -> source.authenticate(credentials));
    }

    @Override
    public Optional<Role> role(Principal principal, String project) {
        return remembered(roles, new Membership(principal, project), () -> source.role(principal, project));
    }

    private interface Look<T> {
        Optional<T> into();
    }

    private <K, T> Optional<T> remembered(ConcurrentMap<K, Known<T>> known, K key, Look<T> look) {
        // Read before the look: a change during it must not be hidden by what was seen before it.
        long change = changes.getAsLong();
        Instant now = clock.instant();
        Known<T> before = known.get(key);
        boolean holds = before != null && before.change() == change;
        if (before != null && holds && before.isFresh(now)) {
            return Optional.of(before.value());
        }
        Optional<T> found;
        if (before != null && holds && before.isKept(now)) {
            if (now.isBefore(awayUntil)) {
                return Optional.of(before.value());
            }
            try {
                found = soon(look);
            } catch (TidemillException e) {
                if (e.code() != ErrorCode.UNAVAILABLE) {
                    throw e;
                }
                awayUntil = now.plus(PAUSE);
                return Optional.of(before.value());
            }
        } else {
            found = look.into();
        }
        if (known.size() >= MOST) {
            known.clear();
        }
        found.ifPresentOrElse(value -> known.put(key, new Known<>(value, change, now)), () -> known.remove(key));
        return found;
    }

    /** A look that is given up where it takes long; it may go on by itself. */
    private static <T> Optional<T> soon(Look<T> look) {
        var looking = new FutureTask<>(look::into);
        Thread.startVirtualThread(looking);
        try {
            return looking.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new TidemillException(ErrorCode.UNAVAILABLE, "The database does not answer").causedBy(e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TidemillException coded) {
                throw coded;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        }
    }
}
