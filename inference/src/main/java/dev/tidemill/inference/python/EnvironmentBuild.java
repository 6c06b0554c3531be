package dev.tidemill.inference.python;

import dev.tidemill.inference.domain.InPreparation;
import dev.tidemill.inference.domain.LoadTurn;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One set of requirements on its way to an environment, or what has become of it. Thread-safe. */
final class EnvironmentBuild {
    private static final int TAIL = 1500;
    private static final int SHORT = 120;
    /** When whoever was told to wait is to ask again. */
    private static final Duration AGAIN = Duration.ofSeconds(15);

    private static final Duration FIRST_PAUSE = Duration.ofMinutes(1);
    private static final Duration LONGEST_PAUSE = Duration.ofHours(1);

    /** How far it is. */
    enum Phase {
        WAITING("waits for another build"),
        RESOLVING("versions are being resolved"),
        INSTALLING("packages are being installed"),
        FAILED("could not be built"),
        READY("ready");

        private final String words;

        Phase(String words) {
            this.words = words;
        }
    }

    private final String id;
    private final String model;
    private final Path log;
    private final Clock clock;
    private CompletableFuture<Path> result = new CompletableFuture<>();
    private Phase phase = Phase.WAITING;
    private Instant since;
    private Instant notBefore = Instant.MIN;
    private int failures;
    private String failure = "";

    /**
     * @param id of the requirements
     * @param model who asked first
     * @param log what the installer says goes there
     */
    EnvironmentBuild(String id, String model, Path log, Clock clock) {
        this.id = id;
        this.model = model;
        this.log = log;
        this.clock = clock;
        this.since = clock.instant();
    }

    String id() {
        return id;
    }

    String model() {
        return model;
    }

    Path log() {
        return log;
    }

    synchronized Phase phase() {
        return phase;
    }

    synchronized Instant since() {
        return since;
    }

    synchronized String failure() {
        return failure;
    }

    /** From when on the next who asks starts a failed build again; empty if it has not failed. */
    synchronized Optional<Instant> nextTry() {
        Instant now = clock.instant();
        return phase == Phase.FAILED ? Optional.of(notBefore.isAfter(now) ? notBefore : now) : Optional.empty();
    }

    synchronized void enter(Phase next) {
        phase = next;
    }

    synchronized void done(Path environment) {
        phase = Phase.READY;
        result.complete(environment);
    }

    synchronized void fail(String why) {
        phase = Phase.FAILED;
        failure = why;
        long pause = FIRST_PAUSE.toSeconds() << Math.min(failures++, 10);
        notBefore = clock.instant().plusSeconds(Math.min(pause, LONGEST_PAUSE.toSeconds()));
        result.completeExceptionally(new IOException(why));
    }

    /** Makes the next who asks try again at once. */
    synchronized void forgive() {
        notBefore = Instant.MIN;
    }

    /** Whether a build that failed has waited long enough; if so it starts over, and the caller has to run it. */
    synchronized boolean startsOver() {
        if (phase != Phase.FAILED || clock.instant().isBefore(notBefore)) {
            return false;
        }
        phase = Phase.WAITING;
        since = clock.instant();
        result = new CompletableFuture<>();
        return true;
    }

    /**
     * Waits a moment for the environment; the turn of the load that needs it is given back meanwhile.
     *
     * @throws TidemillException {@code UNAVAILABLE} with how far it is, {@code FAILED_PRECONDITION} with why it failed
     */
    Path await(String reference, Duration atMost) {
        CompletableFuture<Path> awaited;
        synchronized (this) {
            awaited = result;
        }
        try {
            if (!awaited.isDone()) {
                LoadTurn.leave();
            }
            Path environment = awaited.get(atMost.toMillis(), TimeUnit.MILLISECONDS);
            LoadTurn.resume();
            return environment;
        } catch (TimeoutException e) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "Model " + reference + " cannot be served yet: " + progress())
                    .remedy("Try again in " + AGAIN.toSeconds() + " seconds")
                    .retryAfter(AGAIN)
                    .causedBy(new InPreparation(e, AGAIN, awaited));
        } catch (ExecutionException e) {
            synchronized (this) {
                long seconds =
                        Math.max(0, Duration.between(clock.instant(), notBefore).toSeconds());
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "Model " + reference + " cannot be served: its environment could not be built: "
                                        + failure)
                        .remedy("Register it with requirements that can be installed here, or give an environment with"
                                + " 'inference.python-environment'. It is tried again in " + seconds
                                + " s, or at once after: tidemill models environments --retry " + id)
                        .causedBy(e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        }
    }

    /** How far it is, in words. */
    String progress() {
        Phase now = phase();
        String last = lastSaid();
        return "its environment " + (now == Phase.WAITING || now == Phase.FAILED ? "" : "is being built: ") + now.words
                + ", for " + Duration.between(since(), clock.instant()).toSeconds() + " s now"
                + (last.isEmpty() ? "" : " (" + last + ")");
    }

    /** What the installer said last, not what it was told, which names folders of the server's. */
    private String lastSaid() {
        String last = tail(log, TAIL)
                .lines()
                .skip(1)
                .filter(line -> !line.startsWith("$ ") && !line.isBlank())
                .reduce("", (before, line) -> line)
                .strip();
        return StorableText.cut(last, SHORT);
    }

    /** The end of what the installer said. */
    static String tail(Path log) {
        return tail(log, TAIL);
    }

    private static String tail(Path log, int characters) {
        try (var file = Files.newByteChannel(log)) {
            long from = Math.max(0, file.size() - characters);
            file.position(from);
            var bytes = java.nio.ByteBuffer.allocate((int) Math.min(characters, file.size() - from));
            while (bytes.hasRemaining() && file.read(bytes) >= 0) {
                // until it is full
            }
            return StorableText.shown(new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8).strip());
        } catch (IOException e) {
            return "";
        }
    }
}
