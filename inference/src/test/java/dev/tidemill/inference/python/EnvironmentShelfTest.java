package dev.tidemill.inference.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.InPreparation;
import dev.tidemill.inference.domain.LoadTurn;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.MovableClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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
    void whatAFailedOrKilledBuildHasLeftGoes() throws Exception {
        Files.createDirectories(folder.resolve(id('d')).resolve("lib"));
        Files.createDirectories(folder.resolve("0198.gone").resolve("lib"));
        Files.writeString(folder.resolve("some.aside"), id('d'));
        var shelf = new EnvironmentShelf(folder, 1_000, Duration.ZERO, clock);
        assertThatThrownBy(() -> shelf.make(id('a'), place -> {
                    Files.createDirectories(place.resolve("lib"));
                    throw new IOException("no space");
                }))
                .hasMessage("no space");
        assertThatThrownBy(() -> shelf.make(id('b'), place -> {
                    Files.createDirectories(place.resolve("lib"));
                    throw new IllegalStateException("unforeseen");
                }))
                .hasMessage("unforeseen");
        assertThat(shelf.path(id('a'))).doesNotExist();
        assertThat(shelf.path(id('b'))).doesNotExist();
        shelf.make(id('c'), place -> {
            Files.createDirectories(place.resolve("lib"));
            // While one is being made it is not whole, and nobody's.
            shelf.tidy();
            assertThat(place.resolve("lib")).exists();
        });
        assertThat(Files.list(folder)).containsExactly(shelf.path(id('c')));
    }

    @Test
    void logsOfBuildsThatFailedGoWhenTheyAreOldOrTooMany() throws IOException {
        var shelf = new EnvironmentShelf(folder, 1_000, Duration.ZERO, clock);
        built(shelf, 'a', 100, "known");
        for (int i = -1; i < 600; i++) {
            Path log = folder.resolve((i < 0 ? "known" : "failed" + i) + ".log");
            Files.writeString(log, "no such package");
            Files.setLastModifiedTime(
                    log,
                    java.nio.file.attribute.FileTime.from(clock.instant().minus(Duration.ofHours(i < 0 ? 9_999 : i))));
        }
        shelf.tidy();
        assertThat(folder.resolve("failed499.log")).exists();
        assertThat(folder.resolve("failed500.log")).doesNotExist();
        clock.advance(Duration.ofDays(20));
        shelf.tidy();
        // Thirty days and no more.
        assertThat(folder.resolve("failed240.log")).exists();
        assertThat(folder.resolve("failed241.log")).doesNotExist();
        assertThat(folder.resolve("known.log")).as("its environment is there").exists();
    }

    @Test
    void oneThatWasJustMadeStaysForThoseWhoWaitForIt() throws Exception {
        var shelf = new EnvironmentShelf(folder, 50, Duration.ofDays(30), clock);
        shelf.make(id('a'), place -> Files.write(Files.createDirectories(place).resolve("library"), new byte[100]));
        shelf.know("first", id('a'));
        shelf.tidy();
        clock.advance(Duration.ofMinutes(9));
        shelf.tidy();
        assertThat(shelf.take("first")).contains(id('a'));
        clock.advance(Duration.ofHours(1));
        shelf.tidy();
        assertThat(shelf.list()).hasSize(1);
        shelf.release(id('a'));
        shelf.tidy();
        assertThat(shelf.list()).as("above the limit, and nobody's").isEmpty();
        shelf.make(id('a'), place -> Files.write(Files.createDirectories(place).resolve("library"), new byte[100]));
        clock.advance(Duration.ofMinutes(10));
        shelf.tidy();
        assertThat(shelf.list()).as("nobody came for it").isEmpty();
    }

    @Test
    @Timeout(30)
    void whoTakesOrListsWaitsForNoTreeOfFiles() throws Exception {
        var shelf = new EnvironmentShelf(folder, 1_000, Duration.ZERO, clock);
        built(shelf, 'a', 100, "first");
        var inside = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        Thread maker = Thread.startVirtualThread(() -> {
            try {
                shelf.make(id('b'), place -> {
                    Files.createDirectories(place);
                    inside.countDown();
                    await(go);
                });
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        await(inside);
        assertThat(shelf.take("first")).contains(id('a'));
        assertThat(shelf.list()).hasSize(1);
        // Who wants the same one waits for it, and does not make it again.
        Thread second = Thread.startVirtualThread(() -> {
            try {
                shelf.make(id('b'), place -> {
                    throw new IOException("made twice");
                });
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        go.countDown();
        maker.join();
        second.join();
        assertThat(shelf.list())
                .extracting(EnvironmentShelf.Environment::id)
                .containsExactlyInAnyOrder(id('a'), id('b'));
        // Sizes come from memory, of another process's environments too.
        Files.write(shelf.path(id('a')).resolve("more"), new byte[1_000]);
        assertThat(shelf.list()).extracting(EnvironmentShelf.Environment::bytes).contains(100L);
        assertThat(new EnvironmentShelf(folder, 1_000, Duration.ZERO, clock).list())
                .extracting(EnvironmentShelf.Environment::bytes)
                .contains(100L);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whoWaitsIsToldWhatTheInstallerSaysLastAndNoFolders() throws IOException {
        Path log = folder.resolve("log");
        var build = new EnvironmentBuild("id", "m/1", log, clock);
        build.enter(EnvironmentBuild.Phase.INSTALLING);
        String command =
                "$ /data/python/resolver/bin/python -m pip install -r " + "/data/python/long".repeat(200) + "\n";
        for (String told : List.of("", command, command.repeat(2))) {
            Files.writeString(log, told);
            assertThat(build.progress())
                    .isEqualTo("its environment is being built: packages are being installed, for 0 s now");
        }
        Files.writeString(log, command + "Collecting numpy\n  Downloading numpy.whl (16 MB)\n\n");
        assertThat(build.progress()).endsWith("for 0 s now (Downloading numpy.whl (16 MB))");
    }

    @Test
    void whoWaitsForABuildGivesItsTurnAtLoadingBackAndIsToldWhenItEnds() {
        var build = new EnvironmentBuild("id", "m/1", folder.resolve("log"), clock);
        var turns = new ArrayList<String>();
        var turn = new LoadTurn() {
            @Override
            protected void giveBack() {
                turns.add("given back");
            }

            @Override
            protected void takeAgain() {
                turns.add("taken again");
            }
        };
        turn.run(() -> assertThatThrownBy(() -> build.await("m/1", Duration.ofMillis(1)))
                .isInstanceOfSatisfying(TidemillException.class, refusal -> {
                    InPreparation preparation = InPreparation.of(refusal).orElseThrow();
                    assertThat(preparation.again()).isEqualTo(refusal.retryAfter());
                    assertThat(preparation.end().toCompletableFuture()).isNotDone();
                    build.done(folder);
                    assertThat(preparation.end().toCompletableFuture()).isDone();
                }));
        assertThat(turns).containsExactly("given back");
        turn.run(() -> assertThat(build.await("m/1", Duration.ofMillis(1))).isEqualTo(folder));
        assertThat(turns).as("nothing is waited for").containsExactly("given back", "taken again");
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
            assertThat(build.nextTry()).contains(clock.instant().plusSeconds(pause));
            clock.advance(Duration.ofSeconds(pause - 1));
            assertThat(build.startsOver()).isFalse();
            clock.advance(Duration.ofSeconds(1));
            assertThat(build.startsOver()).isTrue();
            assertThat(build.startsOver()).isFalse();
        }
        build.fail("no such package");
        build.forgive();
        assertThat(build.nextTry()).contains(clock.instant());
        assertThat(build.startsOver()).isTrue();
        assertThat(build.nextTry()).isEmpty();
        build.done(folder);
        assertThat(build.await("m/1", Duration.ofMillis(1))).isEqualTo(folder);
    }
}
