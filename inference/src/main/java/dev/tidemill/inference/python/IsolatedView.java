package dev.tidemill.inference.python;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a process sees of the file system, beside its own {@code /proc}, {@code /dev} and an empty {@code /tmp}.
 *
 * @param system folders of the system, read-only
 * @param links symbolic links of the system, by where they lie
 * @param optional files and folders that are read-only where they exist
 * @param covered a folder within the system that is seen empty
 * @param readable files and folders, read-only
 * @param writable folders
 * @param directory that the process starts in
 * @param network whether the process may use the network
 */
record IsolatedView(
        List<String> system,
        Map<String, String> links,
        List<String> optional,
        Optional<String> covered,
        List<String> readable,
        List<String> writable,
        String directory,
        boolean network) {
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

    /** @param data the data directory, of which nothing is seen but what is needed */
    static IsolatedView of(Isolation.Needs needs, Path data) {
        var system = new ArrayList<String>();
        var links = new LinkedHashMap<String, String>();
        for (String path : SYSTEM) {
            Optional<String> target = target(Path.of(path));
            if (target.isPresent()) {
                links.put(path, target.get());
            } else if (Files.exists(Path.of(path))) {
                system.add(path);
            }
        }
        var optional = new ArrayList<>(ETC);
        if (needs.network()) {
            optional.addAll(NETWORK);
        }
        boolean covered = Files.exists(data) && SYSTEM.stream().anyMatch(data::startsWith);
        return new IsolatedView(
                system,
                links,
                optional,
                covered ? Optional.of(data.toString()) : Optional.empty(),
                texts(needs.readable()),
                texts(needs.writable()),
                text(needs.directory()),
                needs.network());
    }

    private static Optional<String> target(Path path) {
        try {
            return Files.isSymbolicLink(path)
                    ? Optional.of(Files.readSymbolicLink(path).toString())
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static List<String> texts(List<Path> paths) {
        return paths.stream().map(IsolatedView::text).toList();
    }

    private static String text(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }
}
