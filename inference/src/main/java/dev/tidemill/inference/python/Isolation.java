package dev.tidemill.inference.python;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How Python processes are kept from what is not theirs: they see the system's libraries, their interpreter, their environment and
 * their model, all read-only, an empty folder for what is temporary, no other process and no network. What the machine allows is
 * found out by trying, once, when the server starts. Thread-safe.
 */
final class Isolation {
    private static final Logger LOG = LoggerFactory.getLogger(Isolation.class);
    private static final int PROBE_SECONDS = 20;
    /** Processes and threads of one child; libraries start some of their own. */
    private static final int PROCESSES = 256;
    /** Users that no system gives to anybody; each child gets its own, so that the limit on processes is its own too. */
    private static final int FIRST_USER = 0x70000000;

    private static final int USERS = 1 << 20;
    private static final String APART = "own view of files, no other processes, no network unless trusted with it";

    /** What the machine allows, the strongest first. */
    enum Kind {
        /** Bubblewrap, and within it a user of the child's own: the server runs as root. */
        BUBBLEWRAP_OWN_USER("bubblewrap: own user, " + APART, true),
        /** Bubblewrap within a user namespace. */
        BUBBLEWRAP("bubblewrap: own user namespace, " + APART, false),
        /** The same by util-linux. */
        UNSHARE_OWN_USER("unshare: own user, " + APART, true),
        UNSHARE("unshare: own user namespace, " + APART, false),
        /** Limits of memory and files alone. */
        LIMITS("none: limits of memory and files alone", false);

        private final String description;
        private final boolean ownUser;

        Kind(String description, boolean ownUser) {
            this.description = description;
            this.ownUser = ownUser;
        }

        private Optional<Isolator> isolator(PythonSettings settings) {
            return switch (this) {
                case BUBBLEWRAP_OWN_USER, BUBBLEWRAP -> Optional.of(new Bubblewrap(!ownUser));
                case UNSHARE_OWN_USER, UNSHARE ->
                    Optional.of(new Unshare(
                            !ownUser,
                            settings.interpreter(),
                            PackagedScript.write("enter_view.py", settings.folder())));
                case LIMITS -> Optional.empty();
            };
        }
    }

    /**
     * What one child needs.
     *
     * @param readable files and folders that it may read, nothing else of the data directory
     * @param writable folders that it may write to
     * @param directory that it starts in
     */
    record Needs(List<Path> readable, List<Path> writable, Path directory, boolean network) {}

    private final Kind kind;
    private final Optional<Isolator> isolator;
    private final String reason;
    private final boolean required;
    private final Path data;
    private final int megabytes;
    private final AtomicInteger next = new AtomicInteger();

    private Isolation(Kind kind, String reason, PythonSettings settings) {
        this.kind = kind;
        this.isolator = kind.isolator(settings);
        this.reason = reason;
        this.required = settings.isolation() == PythonSettings.Isolate.REQUIRED;
        Path folder = settings.folder().toAbsolutePath().normalize();
        this.data = folder.getParent() == null ? folder : folder.getParent();
        this.megabytes = settings.memoryMegabytes();
    }

    /** Tries what the machine allows, the strongest first. */
    static Isolation choose(PythonSettings settings) {
        if (settings.isolation() == PythonSettings.Isolate.OFF) {
            return new Isolation(Kind.LIMITS, "switched off by a setting", settings);
        }
        var reasons = new ArrayList<String>();
        for (Kind kind : Kind.values()) {
            if (kind == Kind.LIMITS || kind.ownUser && !isRoot()) {
                continue;
            }
            var candidate = new Isolation(kind, "", settings);
            String failure = candidate.probe();
            if (failure.isEmpty()) {
                LOG.info("Python models run apart ({})", kind.description);
                return candidate;
            }
            reasons.add(failure);
        }
        String reason = String.join("; ", reasons);
        LOG.warn("Python models run without isolation, as this user: {}", reason);
        return new Isolation(Kind.LIMITS, reason, settings);
    }

    /** Runs a command apart that looks for what it must not see; why that fails, empty if it does not. */
    private String probe() {
        List<String> command = wrap(
                List.of("/bin/sh", "-c", "test ! -e " + quoted(data)),
                new Needs(List.of(), List.of(), Path.of("/tmp"), false));
        String program = command.getFirst();
        try {
            var builder = new ProcessBuilder(command).redirectErrorStream(true);
            ChildEnvironment.restrictWorker(builder, false);
            Process process = builder.start();
            process.getOutputStream().close();
            if (!process.waitFor(PROBE_SECONDS, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                return program + " did not end within " + PROBE_SECONDS + " s";
            }
            String said = new String(process.getInputStream().readNBytes(500), StandardCharsets.UTF_8).strip();
            return process.exitValue() == 0
                    ? ""
                    : said.isEmpty() ? program + " ended with " + process.exitValue() : said;
        } catch (IOException e) {
            return program + " cannot be run: " + e.getMessage();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }

    private static String quoted(Path path) {
        return "'" + path.toString().replace("'", "'\\''") + "/python'";
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    /** In words for whoever runs the server. */
    String description() {
        return kind.description + (reason.isEmpty() ? "" : " (" + reason + ")");
    }

    boolean isInForce() {
        return kind != Kind.LIMITS;
    }

    /** @throws TidemillException {@code FAILED_PRECONDITION} if the operator demands what this machine does not allow */
    void requireInForce() {
        if (required && !isInForce()) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "Python models are not run here: isolation is required and not to be had: " + reason)
                    .remedy(
                            "Install bubblewrap or util-linux and allow user namespaces, or set 'inference.python-isolation' to 'auto'");
        }
    }

    /** Most processes of one child; 0 where that cannot be limited for it alone. */
    int processes() {
        return isInForce() ? PROCESSES : 0;
    }

    /** The command that runs a model's command apart. */
    List<String> wrap(List<String> command, Needs needs) {
        return wrap(command, needs, false);
    }

    /** The same as the user who owns the folders that are written to, without any of root's powers. */
    List<String> wrapOwner(List<String> command, Needs needs) {
        return wrap(command, needs, true);
    }

    private List<String> wrap(List<String> command, Needs needs, boolean owner) {
        return isolator.map(one -> one.wrap(command, IsolatedView.of(needs, data), megabytes, user(owner)))
                .orElse(command);
    }

    private OptionalInt user(boolean owner) {
        return kind.ownUser && !owner
                ? OptionalInt.of(FIRST_USER + Math.floorMod(next.getAndIncrement(), USERS))
                : OptionalInt.empty();
    }
}
