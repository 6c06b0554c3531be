package dev.tidemill.inference.python;

import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Virtual environments, built once for each set of requirements and kept. Thread-safe. */
final class PythonEnvironments {
    private static final Logger LOG = LoggerFactory.getLogger(PythonEnvironments.class);
    private static final Duration PATIENCE = Duration.ofMinutes(12);
    private static final String REQUIREMENTS = "requirements.txt";
    private static final String COMPLETE = "complete";
    private static final int TAIL = 1500;

    private final PythonSettings settings;
    private final ConcurrentMap<String, ReentrantLock> building = new ConcurrentHashMap<>();

    PythonEnvironments(PythonSettings settings) {
        this.settings = settings;
    }

    /**
     * The interpreter for a model; the first time this takes as long as installing what it requires.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} with the installer's last words if that fails
     */
    Path interpreter(ModelFolder folder, PythonForm form) {
        if (settings.environment().isPresent()) {
            return settings.environment().get().resolve("bin").resolve("python");
        }
        if (!folder.has(REQUIREMENTS) && form.requirements().isEmpty()) {
            throw folder.unusable("it needs Python, but its folder has no " + REQUIREMENTS);
        }
        byte[] requirements = folder.has(REQUIREMENTS)
                ? folder.read(REQUIREMENTS)
                : form.requirements().getBytes(StandardCharsets.UTF_8);
        String digest = Ids.sha256(settings.interpreter() + "\n" + new String(requirements, StandardCharsets.UTF_8));
        Path environment = settings.folder().resolve("environments").resolve(digest.substring(0, 32));
        ReentrantLock lock = building.computeIfAbsent(digest, unused -> new ReentrantLock());
        lock.lock();
        try {
            if (!Files.exists(environment.resolve(COMPLETE))) {
                build(folder, environment, requirements);
            }
            return environment.resolve("bin").resolve("python");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            lock.unlock();
        }
    }

    private void build(ModelFolder folder, Path environment, byte[] requirements) throws IOException {
        long started = System.nanoTime();
        LOG.info("Building the environment of {} in {}", folder.version().reference(), environment);
        FileTrees.delete(environment);
        Files.createDirectories(environment.getParent());
        Path log = environment.resolveSibling(environment.getFileName() + ".log");
        Files.deleteIfExists(log);
        run(folder, log, List.of(settings.interpreter(), "-m", "venv", environment.toString()));
        Path list = environment.resolve(REQUIREMENTS);
        Files.write(list, requirements);
        String python = environment.resolve("bin").resolve("python").toString();
        run(
                folder,
                log,
                List.of(
                        python,
                        "-m",
                        "pip",
                        "install",
                        "--no-input",
                        "--disable-pip-version-check",
                        "-r",
                        list.toString()));
        Files.writeString(environment.resolve(COMPLETE), "");
        LOG.info(
                "The environment of {} took {} s",
                folder.version().reference(),
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - started));
    }

    private static void run(ModelFolder folder, Path log, List<String> command) throws IOException {
        var builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        ChildEnvironment.restrict(builder);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw folder.unusable("its environment cannot be built: " + e.getMessage())
                    .causedBy(e);
        }
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw folder.unusable("its environment was not built within " + PATIENCE.toMinutes() + " minutes");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        if (process.exitValue() != 0) {
            String text = Files.readString(log);
            throw folder.unusable("its environment cannot be built: "
                            + text.substring(Math.max(0, text.length() - TAIL)).strip())
                    .remedy("Register it with requirements that can be installed here, or give an environment with"
                            + " 'inference.python-environment'");
        }
    }
}
