package dev.tidemill.inference.python;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Which folders an interpreter reads its own library and packages from; asked once of each. Thread-safe. */
final class Interpreters {
    private static final String ASK =
            "import sys; print('\\n'.join(dict.fromkeys([sys.prefix, sys.base_prefix, sys.base_exec_prefix, *sys.path])))";

    private final ConcurrentMap<Path, List<Path>> folders = new ConcurrentHashMap<>();

    /** Folders that a process of this interpreter has to be able to read, each once and none within another. */
    List<Path> folders(Path interpreter) {
        return folders.computeIfAbsent(interpreter, Interpreters::ask);
    }

    private static List<Path> ask(Path interpreter) {
        var builder = new ProcessBuilder(interpreter.toString(), "-I", "-c", ASK)
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        ChildEnvironment.restrictWorker(builder, false);
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new IOException(interpreter + " does not tell where its library is");
            }
            List<Path> all = said.lines()
                    .filter(line -> line.startsWith("/"))
                    .flatMap(line -> Stream.of(Path.of(line).normalize(), real(Path.of(line))))
                    .filter(path -> path.getNameCount() > 0 && Files.exists(path))
                    .distinct()
                    .toList();
            return all.stream()
                    .filter(path -> all.stream().noneMatch(other -> !other.equals(path) && path.startsWith(other)))
                    .toList();
        } catch (IOException e) {
            throw new TidemillException(ErrorCode.FAILED_PRECONDITION, "Python cannot be started: " + e.getMessage())
                    .causedBy(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        }
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }
}
