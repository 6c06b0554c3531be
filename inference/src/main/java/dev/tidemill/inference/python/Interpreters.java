package dev.tidemill.inference.python;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Which folders processes of an interpreter have to read. Only the operator's own interpreters are asked, which runs them as the
 * server's user. What was built for a model is never run here: a package of it may bring a {@code .pth} file, which runs whenever its
 * interpreter starts; its folders follow from how environments lie on disk. Thread-safe.
 */
final class Interpreters {
    private static final String ASK =
            "import sys; print('\\n'.join(dict.fromkeys([sys.prefix, sys.base_prefix, sys.base_exec_prefix, *sys.path])))";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path maker;
    private final Duration patience;
    private final ConcurrentMap<Path, List<Path>> asked = new ConcurrentHashMap<>();

    /** @param maker the operator's interpreter that environments are made with */
    Interpreters(Path maker) {
        this(maker, PATIENCE);
    }

    /** @param patience how long an interpreter may take to tell */
    Interpreters(Path maker, Duration patience) {
        this.maker = maker;
        this.patience = patience;
    }

    /**
     * Folders of an interpreter of the operator's, which is asked once.
     *
     * @return each once and none within another
     * @throws TidemillException {@code FAILED_PRECONDITION} if it does not tell
     */
    List<Path> ofOperator(Path interpreter) {
        List<Path> known = asked.get(interpreter);
        if (known == null) {
            // Outside of the map: one that hangs must not keep those who ask for another.
            known = ask(interpreter, patience);
            asked.putIfAbsent(interpreter, known);
        }
        return known;
    }

    /** Folders of an environment that was built for models: its own, and those of the interpreter that it was made with. */
    List<Path> ofBuilt(Path environment) {
        return outermost(Stream.concat(Stream.of(environment.toAbsolutePath().normalize()), ofOperator(maker).stream())
                .toList());
    }

    private static List<Path> ask(Path interpreter, Duration patience) {
        Path said = null;
        try {
            // A file, as a process that it leaves behind may keep a pipe open for ever.
            said = Files.createTempFile("interpreter", ".txt");
            var builder = new ProcessBuilder(interpreter.toString(), "-I", "-c", ASK)
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                    .redirectOutput(said.toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD);
            ChildEnvironment.restrictWorker(builder, false);
            Process process = builder.start();
            boolean ended;
            try {
                ended = process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
            } finally {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
            if (!ended || process.exitValue() != 0) {
                throw new IOException(interpreter + " does not tell where its library is"
                        + (ended ? "" : " within " + patience.toSeconds() + " s"));
            }
            return outermost(Files.readAllLines(said).stream()
                    .filter(line -> line.startsWith("/"))
                    .flatMap(line -> Stream.of(Path.of(line).normalize(), real(Path.of(line))))
                    .filter(path -> path.getNameCount() > 0 && Files.exists(path))
                    .toList());
        } catch (IOException e) {
            throw new TidemillException(ErrorCode.FAILED_PRECONDITION, "Python cannot be started: " + e.getMessage())
                    .causedBy(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        } finally {
            if (said != null) {
                said.toFile().delete();
            }
        }
    }

    private static List<Path> outermost(List<Path> paths) {
        return paths.stream()
                .distinct()
                .filter(path -> paths.stream().noneMatch(other -> !other.equals(path) && path.startsWith(other)))
                .toList();
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }
}
