package dev.tidemill.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.identity.domain.RememberedCallers;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.MovableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RememberedCallersTest {
    private static final Principal ADA = new Principal("user:ada", false, "ada", Optional.empty(), Optional.empty());

    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-25T08:00:00Z"));
    private final AtomicLong changes = new AtomicLong();
    private Optional<Principal> known = Optional.of(ADA);
    private Optional<Role> role = Optional.of(Role.ADMIN);
    private final AtomicInteger looks = new AtomicInteger();
    private volatile boolean away;

    private final RememberedCallers callers = new RememberedCallers(
            new Authentication() {
                @Override
                public Optional<Principal> authenticate(Credentials credentials) {
                    looks.incrementAndGet();
                    reach();
                    return credentials.secret().filter("secret"::equals).flatMap(secret -> known);
                }

                @Override
                public Optional<Role> role(Principal principal, String project) {
                    looks.incrementAndGet();
                    reach();
                    return project.equals("mine") ? role : Optional.empty();
                }
            },
            changes::get,
            clock);

    private void reach() {
        if (away) {
            throw new TidemillException(ErrorCode.UNAVAILABLE, "The database cannot be reached");
        }
    }

    private Optional<Principal> ask(String secret) {
        return callers.authenticate(new Authentication.Credentials(Optional.of(secret), false));
    }

    @Test
    void aCallerWhoComesAgainAtOnceIsKnown() {
        assertThat(ask("secret")).contains(ADA);
        assertThat(ask("secret")).contains(ADA);
        assertThat(callers.role(ADA, "mine")).contains(Role.ADMIN);
        assertThat(callers.role(ADA, "mine")).contains(Role.ADMIN);
        assertThat(looks).hasValue(2);
        assertThat(callers.role(ADA, "theirs")).isEmpty();
        assertThat(ask("other")).isEmpty();
    }

    @Test
    void whatIsTakenAwayHereIsGoneAtOnceAndElsewhereWithinASecond() {
        assertThat(ask("secret")).contains(ADA);
        assertThat(callers.role(ADA, "mine")).contains(Role.ADMIN);
        known = Optional.empty();
        role = Optional.empty();
        assertThat(ask("secret")).contains(ADA);
        clock.advance(Duration.ofSeconds(1));
        assertThat(ask("secret")).isEmpty();
        assertThat(callers.role(ADA, "mine")).isEmpty();
        known = Optional.of(ADA);
        assertThat(ask("secret")).contains(ADA);
        known = Optional.empty();
        changes.incrementAndGet();
        assertThat(ask("secret")).isEmpty();
    }

    @Test
    void whileTheDatabaseIsAwayThoseWhoWereKnownStayKnownForTenMinutes() {
        assertThat(ask("secret")).contains(ADA);
        assertThat(callers.role(ADA, "mine")).contains(Role.ADMIN);
        away = true;
        clock.advance(Duration.ofMinutes(9));
        assertThat(ask("secret")).contains(ADA);
        assertThat(callers.role(ADA, "mine")).contains(Role.ADMIN);
        int before = looks.get();
        assertThat(ask("secret")).contains(ADA);
        // Nobody waits for the database at every request.
        assertThat(looks).hasValue(before);
        assertThatThrownBy(() -> ask("other")).hasMessageContaining("reached");
        clock.advance(Duration.ofMinutes(2));
        assertThatThrownBy(() -> ask("secret")).hasMessageContaining("reached");
        away = false;
        known = Optional.empty();
        assertThat(ask("secret")).isEmpty();
    }

    @Test
    void whatWasTakenAwayHereIsGoneEvenThen() {
        assertThat(ask("secret")).contains(ADA);
        changes.incrementAndGet();
        away = true;
        assertThatThrownBy(() -> ask("secret")).hasMessageContaining("reached");
    }
}
