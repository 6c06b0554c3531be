package dev.tidemill.inference.python;

import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.UnpackedModel;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.threads.Loop;
import dev.tidemill.registry.domain.Requirements;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The environments that models run in. One is built in the background when a model first needs it; who asks meanwhile is told how
 * far it is. Requirements that resolve to the same versions share one. Thread-safe.
 */
final class PythonEnvironments implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PythonEnvironments.class);
    private static final Duration MOMENT = Duration.ofSeconds(2);
    private static final Duration TIDY = Duration.ofHours(1);
    private static final Duration LONGEST_WAIT = Duration.ofDays(1);
    private static final Duration ENDING = Duration.ofSeconds(5);
    private static final int MOST_BUILDS = 1_000;
    private static final String REQUIREMENTS = "requirements.txt";
    /** Older MLflow imports a part of it without asking for it. */
    private static final String SETUPTOOLS = "setuptools<81";

    /**
     * An environment in use; what holds it keeps it on disk.
     *
     * @param readable what its processes have to be able to read
     */
    record Lease(Path interpreter, List<Path> readable, Runnable release) implements AutoCloseable {
        @Override
        public void close() {
            release.run();
        }
    }

    private final PythonSettings settings;
    private final Installer installer;
    private final Interpreters interpreters;
    private final EnvironmentShelf shelf;
    private final Clock clock;
    private final Duration moment;
    private final ConcurrentMap<String, EnvironmentBuild> builds = new ConcurrentHashMap<>();
    /** No project has two at once, and never more than two are made: more would take the machine from those who are served. */
    private final FairTurns turns = new FairTurns(2, MOST_BUILDS, LONGEST_WAIT);

    private final Set<Thread> building = ConcurrentHashMap.newKeySet();
    private final Semaphore untidy = new Semaphore(0);
    private final Loop tidying;
    private volatile boolean closed;

    PythonEnvironments(PythonSettings settings, Installer installer, Interpreters interpreters, Clock clock) {
        this(settings, installer, interpreters, clock, MOMENT);
    }

    /** @param moment for which a caller waits for an environment that is being built */
    PythonEnvironments(
            PythonSettings settings, Installer installer, Interpreters interpreters, Clock clock, Duration moment) {
        this.moment = moment;
        this.settings = settings;
        this.interpreters = interpreters;
        this.installer = installer;
        this.clock = clock;
        this.shelf = new EnvironmentShelf(
                settings.folder().resolve("environments"),
                settings.environmentMegabytes() << 20,
                settings.environmentAge(),
                clock);
        FileTrees.delete(scratch());
        this.tidying = new Loop("python-environments", TIDY, () -> {
            shelf.tidy();
            untidy.tryAcquire(TIDY.toMinutes(), TimeUnit.MINUTES);
            untidy.drainPermits();
        });
        tidying.start();
    }

    /** What removes environments that nobody uses. */
    Loop loop() {
        return tidying;
    }

    private Path scratch() {
        return settings.folder().resolve("building");
    }

    /**
     * The environment of a model. Never waits for longer than a moment.
     *
     * @throws TidemillException {@code UNAVAILABLE} with how far it is while it is being built;
     *     {@code FAILED_PRECONDITION} with the installer's last words if that failed a while ago
     */
    Lease lease(ModelFolder folder, PythonForm form) {
        if (settings.environment().isPresent()) {
            Path interpreter = interpreter(settings.environment().get());
            return new Lease(interpreter, interpreters.ofOperator(interpreter), () -> {});
        }
        String text = requirements(folder, form);
        // What is more than names may be files beside it.
        boolean sources = folder.version().trusted()
                && !Requirements.parse(text).refused().isEmpty();
        String id = Ids.sha256(settings.interpreter() + "\n"
                        + (sources ? folder.folder().digest().value() : "") + "\n" + text)
                .substring(0, 32);
        Optional<Lease> known = known(id);
        if (known.isPresent()) {
            return known.get();
        }
        if (builds.size() > MOST_BUILDS) {
            builds.values().removeIf(build -> build.phase() == EnvironmentBuild.Phase.FAILED);
        }
        EnvironmentBuild build = builds.compute(id, (key, before) -> {
            if (before != null && !before.startsOver()) {
                return before;
            }
            var started = before == null
                    ? new EnvironmentBuild(
                            id,
                            folder.version().reference(),
                            settings.folder().resolve("environments").resolve(id + ".log"),
                            clock)
                    : before;
            start(
                    started,
                    () -> build(started, folder, text, sources),
                    folder.version().project());
            return started;
        });
        build.await(folder.version().reference(), moment);
        return known(id).orElseGet(() -> lease(folder, form));
    }

    private static Path interpreter(Path environment) {
        return environment.resolve("bin").resolve("python");
    }

    private static String requirements(ModelFolder folder, PythonForm form) {
        if (folder.has(REQUIREMENTS)) {
            return new String(folder.read(REQUIREMENTS), StandardCharsets.UTF_8);
        }
        if (form.requirements().isEmpty()) {
            throw folder.unusable("it needs Python, but its folder has no " + REQUIREMENTS);
        }
        return form.requirements();
    }

    private Optional<Lease> known(String requirements) {
        return shelf.take(requirements).map(id -> {
            Runnable release = once(() -> shelf.release(id));
            try {
                return new Lease(interpreter(shelf.path(id)), interpreters.ofBuilt(shelf.path(id)), release);
            } catch (RuntimeException | Error e) {
                release.run();
                throw e;
            }
        });
    }

    private static Runnable once(Runnable action) {
        var done = new java.util.concurrent.atomic.AtomicBoolean();
        return () -> {
            if (done.compareAndSet(false, true)) {
                action.run();
            }
        };
    }

    /** Has the work done in a thread of its own, when it is the project's turn. */
    private void start(EnvironmentBuild build, Runnable work, String project) {
        Thread thread = Thread.ofVirtual().name("python-build-" + build.id()).unstarted(() -> {
            try {
                turns.run(project, "", 1, () -> {
                    work.run();
                    return build;
                });
            } catch (TidemillException e) {
                build.fail(e.message());
            } finally {
                building.remove(Thread.currentThread());
            }
        });
        building.add(thread);
        thread.start();
        if (closed) {
            thread.interrupt();
        }
    }

    private void build(EnvironmentBuild build, ModelFolder folder, String text, boolean sources) {
        Path scratch = scratch().resolve(build.id());
        try {
            long started = System.nanoTime();
            Files.createDirectories(build.log().getParent());
            Files.deleteIfExists(build.log());
            FileTrees.delete(scratch);
            Files.createDirectories(scratch);
            build.enter(EnvironmentBuild.Phase.RESOLVING);
            var work = new Installer.Work(scratch, build.log(), sources);
            String lock = sources ? lockOfFolder(work, folder, text) : installer.lock(work, written(work, text));
            String id = Ids.sha256(settings.interpreter() + "\n" + lock).substring(0, 32);
            build.enter(EnvironmentBuild.Phase.INSTALLING);
            shelf.make(id, place -> installer.install(work, lock, place));
            shelf.know(build.id(), id);
            LOG.info(
                    "The environment {} of {} took {} s",
                    id,
                    build.model(),
                    TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - started));
            builds.remove(build.id(), build);
            build.done(shelf.path(id));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            build.fail("the server ended");
        } catch (IOException | RuntimeException | Error e) {
            String why = closed ? "the server ended" : e.getMessage() == null ? e.toString() : e.getMessage();
            LOG.warn("The environment of {} could not be built: {}", build.model(), why);
            build.fail(why);
        } finally {
            untidy.release();
            try {
                FileTrees.delete(scratch);
            } catch (UncheckedIOException e) {
                LOG.warn("{} is left until the server starts again", scratch);
            }
        }
    }

    /** Only what was understood is given to pip: it reads some files otherwise than we do. */
    private static Path written(Installer.Work work, String text) throws IOException {
        Requirements read = Requirements.parse(text);
        if (!read.refused().isEmpty()) {
            throw new IOException("its requirements are more than names and versions: " + read.refused());
        }
        Path list = work.scratch().resolve(REQUIREMENTS);
        var lines = new ArrayList<>(read.lines());
        if (lines.stream().noneMatch(line -> line.startsWith("setuptools"))) {
            lines.add(SETUPTOOLS);
        }
        Files.writeString(list, String.join("\n", lines) + "\n");
        return list;
    }

    private String lockOfFolder(Installer.Work work, ModelFolder folder, String text) throws IOException {
        UnpackedModel unpacked = UnpackedModel.of(folder, work.scratch());
        Path list = unpacked.folder().resolve("tidemill-requirements.txt");
        Files.writeString(list, text + "\n" + SETUPTOOLS + "\n");
        return installer.lock(work, list);
    }

    /** What is on disk. */
    List<EnvironmentShelf.Environment> finished() {
        return shelf.list();
    }

    /** What is being built, and what could not be. */
    List<EnvironmentBuild> builds() {
        return List.copyOf(builds.values());
    }

    /** Lets the next caller try a failed build again at once; false if there is none of that id. */
    boolean forgive(String id) {
        EnvironmentBuild build = builds.get(id);
        if (build == null) {
            return false;
        }
        build.forgive();
        return true;
    }

    /** Ends builds, with their processes. */
    @Override
    public void close() {
        closed = true;
        tidying.close();
        building.forEach(Thread::interrupt);
        long until = System.nanoTime() + ENDING.toNanos();
        try {
            for (Thread thread : building) {
                thread.join(Duration.ofNanos(Math.max(1, until - System.nanoTime())));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
