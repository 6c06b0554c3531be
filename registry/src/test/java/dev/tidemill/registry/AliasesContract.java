package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What aliases point at, and who may move them, on every database. */
abstract class AliasesContract extends AssembledRegistry {
    @BeforeEach
    void makeVersions() {
        version(1, false);
        version(2, false);
    }

    private static void refused(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(code));
    }

    @Test
    void theNewestVersionThatIsThereIsTheLatestWhateverItsCase() {
        assertThat(aliases.version(PROJECT, MODEL, "Latest").version()).isEqualTo(2);
        models.deleteVersion(PROJECT, MODEL, 2, "user:ada");
        assertThat(aliases.version(PROJECT, MODEL, "latest").version()).isEqualTo(1);
        models.deleteVersion(PROJECT, MODEL, 1, "user:ada");
        refused(ErrorCode.NOT_FOUND, () -> aliases.version(PROJECT, MODEL, "latest"));
        refused(ErrorCode.NOT_FOUND, () -> aliases.version(PROJECT, "none", "latest"));
    }

    @Test
    void anAliasIsFoundUntilItIsRemoved() {
        aliases.set(PROJECT, MODEL, "champion", 1, "user:ada");
        assertThat(aliases.version(PROJECT, MODEL, "champion").version()).isEqualTo(1);
        assertThat(aliases.of(PROJECT, MODEL)).containsOnlyKeys("champion");
        aliases.remove(PROJECT, MODEL, "champion", "user:ada");
        aliases.remove(PROJECT, MODEL, "champion", "user:ada");
        refused(ErrorCode.INVALID_ARGUMENT, () -> aliases.version(PROJECT, MODEL, "champion"));
        assertThat(aliases.of(PROJECT, MODEL)).isEmpty();
    }

    @Test
    void anAliasThatSomebodyElseHasMovedStaysWhereItIs() {
        aliases.set(PROJECT, MODEL, "champion", 1, Optional.of(0), "user:ada");
        refused(ErrorCode.CONFLICT, () -> aliases.set(PROJECT, MODEL, "champion", 2, Optional.of(0), "user:ada"));
        refused(ErrorCode.CONFLICT, () -> aliases.set(PROJECT, MODEL, "champion", 2, Optional.of(2), "user:ada"));
        assertThat(aliases.of(PROJECT, MODEL)).containsEntry("champion", 1);
        aliases.set(PROJECT, MODEL, "champion", 2, Optional.of(1), "user:ada");
        assertThat(aliases.of(PROJECT, MODEL)).containsEntry("champion", 2);
    }

    @Test
    void namesThatAreReservedOrNoneAreRefused() {
        for (String name : List.of("", "latest", "LATEST", "v1", "V22", "a b", "a/b", "x".repeat(256))) {
            refused(ErrorCode.INVALID_ARGUMENT, () -> aliases.set(PROJECT, MODEL, name, 1, "user:ada"));
        }
        refused(ErrorCode.NOT_FOUND, () -> aliases.set(PROJECT, MODEL, "champion", 3, "user:ada"));
        assertThat(aliases.of(PROJECT, MODEL)).isEmpty();
    }
}
