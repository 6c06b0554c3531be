package dev.tidemill.inference.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.MovableClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Environments on disk and builds that fail, with time told by the test. */
class EnvironmentShelfTest {
    @TempDir
    private Path folder;

    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-27T08:00:00Z"));

    private static String id(char letter) {
        return String.valueOf(letter).repeat(32);
    }

    private void built(EnvironmentShelf shelf, char letter, int bytes, String... requirements) throws IOException {
        Files.createDirectories(shelf.path(id(letter)));
        Files.write(shelf.path(id(letter)).resolve("library"), new byte[bytes]);
        shelf.finish(id(letter));
        for (String one : requirements) {
            shelf.know(one, id(letter));
        }
        clock.advance(Duration.ofMinutes(1));
    }

    @Test
    void equalLocksShareOneAndWhatIsInUseStays() throws IOException {
        var shelf = new EnvironmentShelf(folder, 250, Duration.ofDays(30), clock);
        built(shelf, 'a', 100, "first", "second");
        built(shelf, 'b', 100, "third");
        built(shelf, 'c', 100, "fourth");
        assertThat(shelf.take("first")).contains(id('a'));
        assertThat(shelf.take("second")).contains(id('a'));
        shelf.tidy();
        // 300 bytes are too many; the longest unused one that nobody holds goes.
        assertThat(shelf.list()).extracting(EnvironmentShelf.Environment::id).containsExactly(id('c'), id('a'));
        assertThat(shelf.list()).extracting(EnvironmentShelf.Environment::users).containsExactly(0, 2);
        assertThat(shelf.take("third")).isEmpty();
        assertThat(shelf.path(id('b'))).doesNotExist();
        shelf.release(id('a'));
        clock.advance(Duration.ofDays(31));
        shelf.tidy();
        assertThat(shelf.list()).extracting(EnvironmentShelf.Environment::id).containsExactly(id('a'));
        shelf.release(id('a'));
        clock.advance(Duration.ofDays(31));
        shelf.tidy();
        assertThat(shelf.list()).isEmpty();
        assertThat(shelf.take("first")).isEmpty();
        assertThat(Files.list(folder)).isEmpty();
    }

    @Test
    void oneThatIsNotWholeIsNotTaken() throws IOException {
        var shelf = new EnvironmentShelf(folder, 1_000, Duration.ZERO, clock);
        Files.createDirectories(shelf.path(id('a')));
        shelf.know("first", id('a'));
        assertThat(shelf.take("first")).isEmpty();
        assertThat(shelf.list()).isEmpty();
    }

    @Test
    void aBuildThatFailedIsRememberedAndTriedAgainLaterAndLater() {
        var build = new EnvironmentBuild("id", "m/1", folder.resolve("log"), clock);
        assertThatThrownBy(() -> build.await("m/1", Duration.ofMillis(1)))
                .isInstanceOfSatisfying(TidemillException.class, e -> {
                    assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE);
                    assertThat(e).hasMessageContaining("waits for another build");
                });
        for (long pause : new long[] {60, 120, 240}) {
            build.fail("no such package");
            assertThatThrownBy(() -> build.await("m/1", Duration.ofMillis(1)))
                    .isInstanceOfSatisfying(TidemillException.class, e -> {
                        assertThat(e.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION);
                        assertThat(e).hasMessageContaining("no such package");
                    });
            clock.advance(Duration.ofSeconds(pause - 1));
            assertThat(build.startsOver()).isFalse();
            clock.advance(Duration.ofSeconds(1));
            assertThat(build.startsOver()).isTrue();
            assertThat(build.startsOver()).isFalse();
        }
        build.fail("no such package");
        build.forgive();
        assertThat(build.startsOver()).isTrue();
        build.done(folder);
        assertThat(build.await("m/1", Duration.ofMillis(1))).isEqualTo(folder);
    }
}
