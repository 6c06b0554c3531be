package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;

class PassingFailuresTest {
    private static TidemillException unusable(IOException cause) {
        return new TidemillException(ErrorCode.FAILED_PRECONDITION, "The data directory cannot be used")
                .causedBy(cause);
    }

    @Test
    void codesThatPass() {
        var passing = EnumSet.noneOf(ErrorCode.class);
        for (ErrorCode code : ErrorCode.values()) {
            if (PassingFailures.mayPass(new TidemillException(code, "said"))) {
                passing.add(code);
            }
        }
        assertThat(passing)
                .containsExactlyInAnyOrder(
                        ErrorCode.UNAVAILABLE, ErrorCode.STORAGE_FULL, ErrorCode.TIMEOUT, ErrorCode.RATE_LIMITED);
    }

    @Test
    void aDiskThatIsFullOrAwayPassesHoweverItIsTold() {
        for (String said : new String[] {
            "No space left on device", "Disk quota exceeded", "Input/output error", "Stale file handle"
        }) {
            assertThat(PassingFailures.mayPass(unusable(new FileSystemException("/srv/x", null, said))))
                    .isTrue();
            assertThat(PassingFailures.mayPass(unusable(new IOException(said)))).isTrue();
            assertThat(PassingFailures.mayPass(new UncheckedIOException(new IOException(said))))
                    .isTrue();
        }
    }

    @Test
    void whatSomebodyHasToMendStays() {
        for (RuntimeException failure : new RuntimeException[] {
            unusable(new AccessDeniedException("/srv/x")),
            unusable(new FileSystemException("/srv/x", null, "Read-only file system")),
            unusable(new BindException("Address already in use")),
            unusable(new IOException("this is no certificate")),
            new IllegalStateException("a fault of ours")
        }) {
            assertThat(PassingFailures.mayPass(failure)).as(failure.toString()).isFalse();
        }
    }
}
