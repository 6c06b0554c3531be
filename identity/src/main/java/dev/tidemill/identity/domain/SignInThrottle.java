package dev.tidemill.identity.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Slows guessing down. After five failures in a row an address waits before it may try the same name again, and after fifty
 * with whatever names before it may try any, longer each time. A name is never closed to all: who guesses at it from elsewhere
 * does not lock its owner out. Remembers a bounded number of both. Thread-safe.
 */
final class SignInThrottle {
    private static final int FREE = 5;
    private static final int FREE_OF_ADDRESS = 50;
    private static final int MOST = 10_000;

    private record Failures(int count, Instant until) {}

    /** @param name empty: whatever name */
    private record Attempt(String name, String address) {}

    private final Clock clock;
    private final Map<Attempt, Failures> failures = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Attempt, Failures> eldest) {
            return size() > MOST;
        }
    };

    SignInThrottle(Clock clock) {
        this.clock = clock;
    }

    synchronized void check(String name, String address) {
        check(new Attempt(name, network(address)));
        check(new Attempt("", network(address)));
    }

    private void check(Attempt attempt) {
        Failures past = failures.get(attempt);
        if (past != null && past.until().isAfter(clock.instant())) {
            throw new TidemillException(ErrorCode.RATE_LIMITED, "Too many failed attempts to sign in from this address")
                    .remedy("Wait until " + past.until());
        }
    }

    synchronized void failed(String name, String address) {
        failed(new Attempt(name, network(address)), FREE);
        failed(new Attempt("", network(address)), FREE_OF_ADDRESS);
    }

    private void failed(Attempt attempt, int free) {
        int count = failures.getOrDefault(attempt, new Failures(0, Instant.MIN)).count() + 1;
        Duration wait = count < free
                ? Duration.ZERO
                : Duration.ofSeconds(Math.min(900, 1L << Math.min(FREE + count - free, 20)));
        failures.put(attempt, new Failures(count, clock.instant().plus(wait)));
    }

    /** Forgives the name its failures; those of the address stay, since its owner may guess at other names. */
    synchronized void succeeded(String name, String address) {
        failures.remove(new Attempt(name, network(address)));
    }

    /** Whoever has one address of IPv6 usually has all of its first 64 bits. */
    private static String network(String address) {
        String plain = address.replaceAll("[\\[\\]]|%.*", "");
        String[] groups = plain.split(":");
        return plain.contains("::") || groups.length < 8
                ? plain
                : String.join(":", groups[0], groups[1], groups[2], groups[3]);
    }
}
