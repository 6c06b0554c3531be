package dev.tidemill.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.identity.domain.Token;
import dev.tidemill.identity.domain.Tokens;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Who gets tokens, sees them and ends them, on every database. */
abstract class TokensContract extends AssembledIdentity {
    @Test
    void aLimitedTokenSeesAndEndsItselfAlone() {
        Tokens.NewToken whole = tokenOf(tokens, "ada");
        Tokens.NewToken limited = tokenOf(tokens, "ada");
        var asLimited = new Principal(
                Principal.TOKEN + limited.token().id(), true, "ada", Optional.of(Role.VIEWER), Optional.empty());
        var asWhole =
                new Principal(Principal.TOKEN + whole.token().id(), true, "ada", Optional.empty(), Optional.empty());
        assertThat(tokens.visibleTo(asLimited))
                .extracting(Token::id)
                .containsExactly(limited.token().id());
        assertThat(tokens.visibleTo(asWhole)).hasSize(2);
        assertThatThrownBy(() -> tokens.revoke(asLimited, whole.token().id())).isInstanceOf(TidemillException.class);
        tokens.revoke(asLimited, limited.token().id());
        assertThat(tokens.visibleTo(asWhole))
                .extracting(Token::id)
                .containsExactly(whole.token().id());
    }

    @Test
    void noTokenIsMadeBySessionsThatHaveEnded() {
        users.create("bob", PASSWORD, Optional.of(false), "test");
        String session = users.signIn("bob", PASSWORD, "127.0.0.1");
        Tokens ending = on(interrupted("findUser", false, () -> users.revokeAll("bob", "user:ada")), true)
                .tokens();
        assertUnauthenticated(() -> tokenOf(ending, "bob", session));
        assertThat(tokens.of(users.user("bob"))).isEmpty();

        String hers = users.signIn("bob", PASSWORD, "127.0.0.1");
        assertUnauthenticated(() -> tokenOf(tokens, "ada", hers));
    }

    @Test
    void allTokensAndSessionsOfAUserEndAtOnce() {
        users.create("bob", PASSWORD, Optional.of(false), "test");
        String signedIn = users.signIn("bob", PASSWORD, "127.0.0.1");
        var token = tokenOf(tokens, "bob");
        var other = tokenOf(tokens, "ada");
        assertThat(tokens.of(users.user("bob"))).hasSize(1);

        assertThat(users.revokeAll("bob", "user:ada")).isEqualTo(1);

        assertThat(rights.authenticate(session(signedIn))).isEmpty();
        assertThat(rights.authenticate(token(token))).isEmpty();
        assertThat(rights.authenticate(token(other))).isPresent();
        assertThat(users.signIn("bob", PASSWORD, "127.0.0.1")).isNotEmpty();
    }
}
