package dev.tidemill.inference.python;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
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
    private static final List<String> SYSTEM =
            List.of("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store");
    private static final List<String> ETC = List.of(
            "/etc/ld.so.cache",
            "/etc/ld.so.conf",
            "/etc/ld.so.conf.d",
            "/etc/localtime",
            "/etc/alternatives",
            "/etc/ssl",
            "/etc/pki",
            "/etc/ca-certificates",
            "/etc/mime.types");
    private static final List<String> NETWORK =
            List.of("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/run/systemd/resolve");

    /** What the machine allows. */
    enum Kind {
        /** Bubblewrap, and within it a user of the child's own: the server runs as root. */
        OWN_USER("bubblewrap: own user, own view of files, no other processes, no network unless trusted with it"),
        /** Bubblewrap within a user namespace. */
        NAMESPACES(
                "bubblewrap: own user namespace, own view of files, no other processes, no network unless trusted with it"),
        /** Limits of memory and files alone. */
        LIMITS("none: limits of memory and files alone");

        private final String description;

        Kind(String description) {
            this.description = description;
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
    private final String reason;
    private final boolean required;
    private final Path data;
    private final int megabytes;
    private final AtomicInteger next = new AtomicInteger();

    private Isolation(Kind kind, String reason, boolean required, Path data, int megabytes) {
        this.kind = kind;
        this.reason = reason;
        this.required = required;
        this.data = data;
        this.megabytes = megabytes;
    }

    /** Tries what the machine allows, the strongest first. */
    static Isolation choose(PythonSettings settings) {
        Path data = settings.folder().toAbsolutePath().normalize();
        data = data.getParent() == null ? data : data.getParent();
        boolean required = settings.isolation() == PythonSettings.Isolate.REQUIRED;
        if (settings.isolation() == PythonSettings.Isolate.OFF) {
            return new Isolation(Kind.LIMITS, "switched off by a setting", false, data, settings.memoryMegabytes());
        }
        String reason = "";
        for (Kind kind : List.of(Kind.OWN_USER, Kind.NAMESPACES)) {
            var candidate = new Isolation(kind, "", required, data, settings.memoryMegabytes());
            String failure = candidate.probe();
            if (failure.isEmpty()) {
                LOG.info("Python models run apart ({})", kind.description);
                return candidate;
            }
            reason = failure;
        }
        LOG.warn("Python models run without isolation, as this user: {}", reason);
        return new Isolation(Kind.LIMITS, reason, required, data, settings.memoryMegabytes());
    }

    private String probe() {
        if (kind == Kind.OWN_USER && !isRoot()) {
            return "not root";
        }
        try {
            var builder = new ProcessBuilder(wrap(
                            List.of("/bin/sh", "-c", "test ! -e " + quoted(data)),
                            new Needs(List.of(), List.of(), Path.of("/tmp"), false)))
                    .redirectErrorStream(true);
            ChildEnvironment.restrictWorker(builder, false);
            Process process = builder.start();
            process.getOutputStream().close();
            if (!process.waitFor(PROBE_SECONDS, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                return "bwrap did not end within " + PROBE_SECONDS + " s";
            }
            String said = new String(process.getInputStream().readNBytes(500), StandardCharsets.UTF_8).strip();
            return process.exitValue() == 0 ? "" : said.isEmpty() ? "bwrap ended with " + process.exitValue() : said;
        } catch (IOException e) {
            return "bubblewrap (bwrap) cannot be run: " + e.getMessage();
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
                            "Install bubblewrap and allow user namespaces, or set 'inference.python-isolation' to 'auto'");
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
        if (!isInForce()) {
            return command;
        }
        var all = new ArrayList<String>(
                List.of("bwrap", "--new-session", "--unshare-ipc", "--unshare-pid", "--unshare-uts"));
        if (kind == Kind.NAMESPACES) {
            all.add("--unshare-user");
        }
        if (!needs.network()) {
            all.add("--unshare-net");
        }
        SYSTEM.forEach(path -> system(all, path));
        ETC.forEach(path -> readOnly(all, path, true));
        if (needs.network()) {
            NETWORK.forEach(path -> readOnly(all, path, true));
        }
        all.addAll(List.of("--proc", "/proc", "--dev", "/dev"));
        if (Files.exists(data) && SYSTEM.stream().anyMatch(data::startsWith)) {
            all.addAll(List.of("--tmpfs", data.toString()));
        }
        all.addAll(List.of("--perms", "1777", "--size", String.valueOf((long) megabytes << 20), "--tmpfs", "/tmp"));
        Stream.concat(needs.readable().stream(), needs.writable().stream())
                .flatMap(path -> above(path.toAbsolutePath().normalize()).stream())
                .distinct()
                .forEach(path -> all.addAll(List.of("--perms", "0755", "--dir", path)));
        needs.readable()
                .forEach(path -> readOnly(all, path.toAbsolutePath().normalize().toString(), false));
        needs.writable().forEach(path -> {
            String writable = path.toAbsolutePath().normalize().toString();
            all.addAll(List.of("--bind", writable, writable));
        });
        // The folders that lead to the others are memory that nothing bounds; without root's powers they belong to the
        // child.
        all.addAll(List.of("--remount-ro", "/"));
        if (kind == Kind.OWN_USER && owner) {
            all.addAll(List.of("--cap-drop", "ALL"));
        }
        all.addAll(List.of(
                "--chdir", needs.directory().toAbsolutePath().normalize().toString(), "--"));
        if (kind == Kind.OWN_USER && !owner) {
            String user = String.valueOf(FIRST_USER + Math.floorMod(next.getAndIncrement(), USERS));
            all.addAll(List.of(
                    "setpriv",
                    "--reuid=" + user,
                    "--regid=" + user,
                    "--clear-groups",
                    "--no-new-privs",
                    "--inh-caps=-all",
                    "--bounding-set=-all",
                    "--"));
        }
        all.addAll(command);
        return all;
    }

    /** Folders above a path, the highest first; left to itself bubblewrap closes some of them to the child's user. */
    private static List<String> above(Path path) {
        var above = new ArrayList<String>();
        for (Path one = path.getParent(); one != null && one.getNameCount() > 0; one = one.getParent()) {
            above.addFirst(one.toString());
        }
        return above;
    }

    private static void readOnly(List<String> all, String path, boolean mayBeMissing) {
        all.addAll(List.of(mayBeMissing ? "--ro-bind-try" : "--ro-bind", path, path));
    }

    private static void system(List<String> all, String path) {
        Path there = Path.of(path);
        try {
            if (Files.isSymbolicLink(there)) {
                all.addAll(List.of("--symlink", Files.readSymbolicLink(there).toString(), path));
            } else if (Files.exists(there)) {
                readOnly(all, path, false);
            }
        } catch (IOException e) {
            readOnly(all, path, true);
        }
    }
}
