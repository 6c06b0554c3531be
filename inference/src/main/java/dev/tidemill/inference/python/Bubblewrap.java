package dev.tidemill.inference.python;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * Bubblewrap, a program that runs another in a view of the file system and in namespaces of its own. Immutable.
 *
 * @param userNamespace whether a namespace of users is needed, as for anybody but root
 */
record Bubblewrap(boolean userNamespace) implements Isolator {
    /** Bytes of memory of a folder that holds nothing but others. */
    private static final String COVER = "65536";

    @Override
    public List<String> wrap(List<String> command, IsolatedView view, int megabytes, OptionalInt user) {
        var all = new ArrayList<String>(
                List.of("bwrap", "--new-session", "--unshare-ipc", "--unshare-pid", "--unshare-uts"));
        if (userNamespace) {
            all.add("--unshare-user");
        }
        if (!view.network()) {
            all.add("--unshare-net");
        }
        view.links().forEach((path, target) -> all.addAll(List.of("--symlink", target, path)));
        view.system().forEach(path -> all.addAll(List.of("--ro-bind", path, path)));
        view.optional().forEach(path -> all.addAll(List.of("--ro-bind-try", path, path)));
        all.addAll(List.of("--proc", "/proc", "--dev", "/dev"));
        view.covered().ifPresent(path -> all.addAll(List.of("--size", COVER, "--tmpfs", path)));
        String size = String.valueOf((long) megabytes << 20);
        all.addAll(List.of("--perms", "1777", "--size", size, "--tmpfs", "/tmp"));
        // /dev is memory without a bound, and belongs to the child where it has no user of its own.
        all.addAll(List.of("--perms", "1777", "--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"));
        Stream.concat(view.readable().stream(), view.writable().stream())
                .flatMap(path -> above(Path.of(path)).stream())
                .distinct()
                .forEach(path -> all.addAll(List.of("--perms", "0755", "--dir", path)));
        view.readable().forEach(path -> all.addAll(List.of("--ro-bind", path, path)));
        view.writable().forEach(path -> all.addAll(List.of("--bind", path, path)));
        // The folders that lead to the others are memory that nothing bounds; without root's powers they belong to the
        // child.
        all.addAll(List.of("--remount-ro", "/"));
        if (!userNamespace && user.isEmpty()) {
            all.addAll(List.of("--cap-drop", "ALL"));
        }
        all.addAll(List.of("--chdir", view.directory(), "--"));
        user.ifPresent(id -> all.addAll(List.of(
                "setpriv",
                "--reuid=" + id,
                "--regid=" + id,
                "--clear-groups",
                "--no-new-privs",
                "--inh-caps=-all",
                "--bounding-set=-all",
                "--")));
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
}
