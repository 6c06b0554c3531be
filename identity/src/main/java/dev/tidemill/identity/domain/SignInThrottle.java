package dev.tidemill.identity.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** Slows guessing down: after five failures in a row a name waits, longer each time. Remembers a bounded number of names. */
final class SignInThrottle {
    private static final int FREE = 5;
    private static final int NAMES = 10_000;

    private record Failures(int count, Instant until) {}

    private final Clock clock;
    private final Map<String, Failures> failures = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Failures> eldest) {
            return size() > NAMES;
        }
    };

    SignInThrottle(Clock clock) {
        this.clock = clock;
    }

    synchronized void check(String name) {
        Failures past = failures.get(name);
        if (past != null && past.until().isAfter(clock.instant())) {
            throw new TidemillException(ErrorCode.RATE_LIMITED, "Too many failed attempts to sign in")
                    .remedy("Wait until " + past.until());
        }
    }

    synchronized void failed(String name) {
        Failures past = failures.getOrDefault(name, new Failures(0, Instant.MIN));
        int count = past.count() + 1;
        Duration wait = count < FREE ? Duration.ZERO : Duration.ofSeconds(Math.min(900, 1L << Math.min(count, 20)));
        failures.put(name, new Failures(count, clock.instant().plus(wait)));
    }

    synchronized void succeeded(String name) {
        failures.remove(name);
    }
}
