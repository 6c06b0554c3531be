package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.ModelVersion;
import java.util.ArrayList;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Trust in a version's code, on every database. */
abstract class TrustContract extends AssembledRegistry {
    @Test
    void whoWatchesHearsOfTrustThatIsGivenAndOfTrustThatIsTakenBackOnce() {
        version(1, true);
        var heard = new ArrayList<Boolean>();
        trust.watch(version -> heard.add(version.trusted()));
        ModelVersion given = trust.give(PROJECT, MODEL, 1, true, "user:ada");
        assertThat(given.trusted()).isTrue();
        assertThat(given.trustedWithNetwork()).isTrue();
        assertThat(trust.give(PROJECT, MODEL, 1, false, "user:ada").trustedWithNetwork())
                .as("without network from now on")
                .isFalse();
        assertThat(trust.withdraw(PROJECT, MODEL, 1, "user:ada").trusted()).isFalse();
        trust.withdraw(PROJECT, MODEL, 1, "user:ada");
        assertThat(heard).containsExactly(true, true, false);
        assertThat(models.version(PROJECT, MODEL, 1).tags()).isEmpty();
    }

    @Test
    void aVersionWhoseFilesAreElsewhereIsNotTrusted() {
        version(1, false);
        assertThatThrownBy(() -> trust.give(PROJECT, MODEL, 1, false, "user:ada"))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION));
        assertThat(models.version(PROJECT, MODEL, 1).trusted()).isFalse();
    }

    /** Whoever may write sets tags; trust takes more. */
    @Test
    void noTagGivesTrustOrTakesItBack() {
        version(1, true);
        trust.give(PROJECT, MODEL, 1, true, "user:ada");
        Map<String, String> kept = models.version(PROJECT, MODEL, 1).tags();
        assertThat(kept).hasSize(2);
        for (String tag : kept.keySet()) {
            assertThatThrownBy(() -> tags.put(PROJECT, MODEL, 1, tag, "x", "user:ada"))
                    .hasMessageContaining("by trust alone");
            assertThatThrownBy(() -> tags.remove(PROJECT, MODEL, 1, tag, "user:ada"))
                    .hasMessageContaining("by trust alone");
        }
        assertThat(models.version(PROJECT, MODEL, 1).tags()).isEqualTo(kept);
    }
}
