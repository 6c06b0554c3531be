package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import org.junit.jupiter.api.Test;

class WaitingRoomTest {
    private final WaitingRoom room = new WaitingRoom(3, 2);
    private final WaitingRoom.Line noisy = room.line();
    private final WaitingRoom.Line quiet = room.line();

    @Test
    void oneModelsLineLeavesRoomForOthers() {
        noisy.enter();
        noisy.enter();
        refused(noisy, "2 requests wait for this model already");
        quiet.enter();
        refused(quiet, "3 requests wait for models already");
    }

    @Test
    void whoIsRefusedTakesNoPlace() {
        noisy.enter();
        noisy.enter();
        refused(noisy, "this model");
        refused(noisy, "this model");
        noisy.leave();
        assertThatNoException().isThrownBy(noisy::enter);
        quiet.enter();
        refused(quiet, "for models");
        noisy.leave();
        assertThatNoException().isThrownBy(quiet::enter);
    }

    private static void refused(WaitingRoom.Line line, String why) {
        assertThatThrownBy(line::enter).isInstanceOfSatisfying(TidemillException.class, error -> {
            assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE);
            assertThat(error.message()).contains(why);
        });
    }
}
