package dev.tidemill.inference.python;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.config.UserHome;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * Makes environments with pip: requirements are resolved to a lock of exact versions and hashes, and the lock is installed. Wheels
 * alone, which run nothing when they are installed, unless somebody trusts what else the requirements name.
 */
final class Installer {
    private static final Duration PATIENCE = Duration.ofMinutes(30);

    private final PythonSettings settings;
    private final Isolation isolation;
    private final Interpreters interpreters;
    private final ReentrantLock making = new ReentrantLock();

    Installer(PythonSettings settings, Isolation isolation, Interpreters interpreters) {
        this.settings = settings;
        this.isolation = isolation;
        this.interpreters = interpreters;
    }

    /**
     * One resolution and installation.
     *
     * @param scratch an empty folder, deleted by the caller
     * @param sources whether what is no wheel may be built, which runs its code
     */
    record Work(Path scratch, Path log, boolean sources) {}

    private Path resolver() {
        return settings.folder()
                .resolve("resolver-" + Ids.sha256(settings.interpreter()).substring(0, 12));
    }

    /** An interpreter with pip that no model's code ever runs in. */
    private Path resolver(Work work) throws IOException {
        Path venv = resolver();
        Path python = venv.resolve("bin").resolve("python");
        try {
            making.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        try {
            make(work, venv, python);
        } finally {
            making.unlock();
        }
        return python;
    }

    private void make(Work work, Path venv, Path python) throws IOException {
        if (!Files.exists(venv.resolve("complete"))) {
            FileTrees.delete(venv);
            run(work, false, List.of(settings.interpreter(), "-m", "venv", venv.toString()));
            // Older ones do not tell what they have resolved.
            run(
                    work,
                    false,
                    List.of(python.toString(), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "pip>=23"));
            Files.writeString(venv.resolve("complete"), "");
        }
    }

    /**
     * Resolves requirements.
     *
     * @param requirements a file; paths in it are relative to the folder that it lies in
     * @return lines of exact versions, sorted, the same for equal requirements on the same day
     */
    String lock(Work work, Path requirements) throws IOException {
        Path report = work.scratch().resolve("report.json");
        var command = new ArrayList<>(List.of(
                resolver(work).toString(),
                "-m",
                "pip",
                "install",
                "--dry-run",
                "--ignore-installed",
                "--report",
                report.toString(),
                "--cache-dir",
                work.scratch().resolve("cache").toString()));
        if (!work.sources()) {
            command.addAll(List.of("--only-binary", ":all:"));
        }
        command.addAll(List.of("-r", requirements.toString()));
        run(work, work.sources(), command);
        return lines(Json.parseObject(Files.readAllBytes(report)));
    }

    private static String lines(JsonNode report) {
        var lines = new TreeMap<String, String>();
        boolean hashed = true;
        for (JsonNode one : report.path("install")) {
            String name = one.path("metadata").path("name").asText();
            String version = one.path("metadata").path("version").asText();
            JsonNode from = one.path("download_info");
            String hash =
                    from.path("archive_info").path("hashes").path("sha256").asText("");
            String key = name.toLowerCase(Locale.ROOT).replaceAll("[-_.]+", "-");
            if (hash.isEmpty() || one.path("is_direct").asBoolean()) {
                hashed = false;
                lines.put(key, name + " @ " + direct(from));
            } else {
                lines.put(key, name + "==" + version + " --hash=sha256:" + hash);
            }
        }
        boolean all = hashed;
        return String.join(
                        "\n",
                        lines.values().stream()
                                .map(line -> all ? line : line.replaceAll(" --hash=.*$", ""))
                                .toList())
                + "\n";
    }

    private static String direct(JsonNode from) {
        JsonNode versioned = from.path("vcs_info");
        String url = from.path("url").asText();
        return versioned.isObject()
                ? versioned.path("vcs").asText() + "+" + url + "@"
                        + versioned.path("commit_id").asText()
                : url;
    }

    /** Installs a lock into a new environment, of which nothing is there yet. */
    void install(Work work, String lock, Path environment) throws IOException {
        Files.createDirectories(environment.getParent());
        run(work, false, List.of(settings.interpreter(), "-m", "venv", "--without-pip", environment.toString()));
        Path list = work.scratch().resolve("lock.txt");
        Files.writeString(list, lock);
        var command = new ArrayList<>(List.of(
                resolver(work).toString(),
                "-m",
                "pip",
                "--python",
                environment.resolve("bin").resolve("python").toString(),
                "install",
                "--no-deps",
                "--cache-dir",
                work.scratch().resolve("cache").toString()));
        if (!work.sources()) {
            command.addAll(List.of("--only-binary", ":all:"));
        }
        command.addAll(List.of("-r", list.toString()));
        run(work, work.sources(), command, environment);
        // Code of the requirements' own may have put a link there.
        Files.deleteIfExists(environment.resolve("lock.txt"));
        Files.writeString(environment.resolve("lock.txt"), lock, StandardOpenOption.CREATE_NEW);
    }

    /** @param apart where code of the requirements' own may run: it must not see the data directory */
    private void run(Work work, boolean apart, List<String> command, Path... writable) throws IOException {
        Files.writeString(
                work.log(),
                "$ " + String.join(" ", command) + "\n",
                StandardCharsets.UTF_8,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        List<String> wrapped = apart ? isolation.wrapOwner(command, needs(work, writable)) : command;
        var builder = new ProcessBuilder(wrapped)
                .directory(work.scratch().toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(work.log().toFile()))
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        ChildEnvironment.restrictInstaller(builder);
        Process process = builder.start();
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new IOException("it took longer than " + PATIENCE.toMinutes() + " minutes");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        if (process.exitValue() != 0) {
            throw new IOException(EnvironmentBuild.tail(work.log()));
        }
    }

    private Isolation.Needs needs(Work work, Path... writable) {
        Path home = UserHome.path();
        List<Path> readable = Stream.of(
                        interpreters.ofBuilt(resolver()).stream(),
                        Stream.of(
                                home.resolve(".config/pip"),
                                home.resolve(".pip"),
                                Path.of("/etc/pip.conf"),
                                Path.of("/etc/xdg/pip")),
                        Stream.of(System.getenv()
                                        .getOrDefault("PIP_FIND_LINKS", "")
                                        .split("\\s+"))
                                .filter(text -> text.startsWith("/"))
                                .map(Path::of))
                .flatMap(paths -> paths)
                .filter(Files::exists)
                .toList();
        return new Isolation.Needs(
                readable,
                Stream.concat(Stream.of(work.scratch()), Stream.of(writable)).toList(),
                work.scratch(),
                true);
    }
}
