package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

/** What is wrong is told in a line or two, not hidden above a page of help. */
class WrongOptionsTest {
    private final StringWriter error = new StringWriter();

    private int run(String... arguments) {
        return TidemillCommand.commandLine()
                .setErr(new PrintWriter(error, true))
                .execute(arguments);
    }

    @Test
    void anUnknownOptionOrCommandIsToldInALineOrTwo() {
        assertThat(run("status", "--colour")).isEqualTo(2);
        assertThat(error.toString())
                .startsWith("tidemill: ")
                .contains("--colour")
                .hasLineCount(2);
    }

    @Test
    void aMisspeltCommandIsToldWithWhatWasMeant() {
        assertThat(run("statsu")).isEqualTo(2);
        assertThat(error.toString()).contains("statsu").contains("status");
        assertThat(error.toString().lines().count()).isLessThan(4);
    }

    @Test
    void whoNamesNoCommandSeesThemAll() {
        assertThat(run()).isEqualTo(2);
        assertThat(error.toString())
                .contains("Name a command")
                .contains("status")
                .contains("models");
    }

    @Test
    void aMissingArgumentIsNamed() {
        assertThat(run("predict")).isEqualTo(2);
        assertThat(error.toString()).contains("Missing required ").hasLineCount(2);
    }
}
