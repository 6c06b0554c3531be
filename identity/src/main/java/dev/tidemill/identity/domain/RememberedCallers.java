package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.ids.Ids;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;

/**
 * Spares a caller who comes again at once the look into the database. What this process takes away is gone with its next
 * request; what another replica takes away, within a second. Refusals are never remembered. Thread-safe.
 */
public final class RememberedCallers implements Authentication {
    private static final Duration VALID = Duration.ofSeconds(1);
    private static final int MOST = 10_000;

    private record Caller(String secretHash, boolean session) {}

    private record Membership(Principal principal, String project) {}

    private record Known<T>(T value, long change, Instant until) {}

    private final Authentication source;
    private final LongSupplier changes;
    private final Clock clock;
    private final ConcurrentMap<Caller, Known<Principal>> callers = new ConcurrentHashMap<>();
    private final ConcurrentMap<Membership, Known<Role>> roles = new ConcurrentHashMap<>();

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
        if (before != null && before.change() == change && now.isBefore(before.until())) {
            return Optional.of(before.value());
        }
        Optional<T> found = look.into();
        if (known.size() >= MOST) {
            known.clear();
        }
        found.ifPresentOrElse(
                value -> known.put(key, new Known<>(value, change, now.plus(VALID))), () -> known.remove(key));
        return found;
    }
}
