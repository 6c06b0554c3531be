package dev.tidemill.inference.controlplane;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.tidemill.inference.api.PlaneJson;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Asks the control plane who calls. An answer holds for {@value #FRESH_SECONDS} seconds, so that is how long a revoked token
 * may still work; while the control plane is away the last answer holds for ten minutes, so that known callers are served.
 */
public final class ControlPlaneAuthentication implements Authentication {
    private static final int FRESH_SECONDS = 10;
    private static final Duration KEPT = Duration.ofMinutes(10);
    private static final int ENTRIES = 10_000;

    private record Answer<T>(T value, long at) {
        boolean isFresh() {
            return System.nanoTime() - at < Duration.ofSeconds(FRESH_SECONDS).toNanos();
        }
    }

    private record Membership(Principal principal, String project) {}

    private final ControlPlane control;
    private final boolean loopback;
    private final Cache<String, Answer<Optional<Principal>>> principals =
            Caffeine.newBuilder().maximumSize(ENTRIES).expireAfterWrite(KEPT).build();
    private final Cache<Membership, Answer<Optional<Role>>> roles =
            Caffeine.newBuilder().maximumSize(ENTRIES).expireAfterWrite(KEPT).build();

    /** @param loopback whether this gateway listens on loopback; elsewhere a request without credentials is nobody's */
    public ControlPlaneAuthentication(ControlPlane control, boolean loopback) {
        this.control = control;
        this.loopback = loopback;
    }

    @Override
    public Optional<Principal> authenticate(Credentials credentials) {
        if (!loopback && credentials.secret().isEmpty()) {
            return Optional.empty();
        }
        String key = credentials.session() + Ids.sha256(credentials.secret().orElse(""));
        return remembered(principals, key, () -> {
            ObjectNode body = Json.object().put("session", credentials.session());
            credentials.secret().ifPresent(secret -> body.put("secret", secret));
            return PlaneJson.principal(control.post("/authentication", body));
        });
    }

    @Override
    public Optional<Role> role(Principal principal, String project) {
        return remembered(roles, new Membership(principal, project), () -> {
            ObjectNode body = Json.object().put("project", project);
            body.set("principal", Json.objectMapper().valueToTree(principal));
            return PlaneJson.role(control.post("/role", body).path("role"));
        });
    }

    private static <K, T> T remembered(Cache<K, Answer<T>> cache, K key, Supplier<T> ask) {
        Answer<T> known = cache.getIfPresent(key);
        if (known != null && known.isFresh()) {
            return known.value();
        }
        try {
            T value = ask.get();
            cache.put(key, new Answer<>(value, System.nanoTime()));
            return value;
        } catch (TidemillException e) {
            if (known != null && e.code() == ErrorCode.UNAVAILABLE) {
                return known.value();
            }
            throw e;
        }
    }
}
