package dev.tidemill.inference.python;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How Python models are run.
 *
 * @param interpreter that environments are made with, such as {@code python3}
 * @param environment an environment of the operator's that serves every model; empty to build one for each set of requirements
 * @param folder where environments and unpacked models lie, in a folder of the data directory
 * @param workers processes of each model
 * @param memoryMegabytes most memory of one process
 * @param patience how long one prediction may take
 * @param isolation whether processes are kept apart
 * @param environmentMegabytes above which environments that no model uses are deleted, the longest unused first
 * @param environmentAge after which one that no model uses is deleted; zero for never
 */
public record PythonSettings(
        String interpreter,
        Optional<Path> environment,
        Path folder,
        int workers,
        int memoryMegabytes,
        Duration patience,
        Isolate isolation,
        long environmentMegabytes,
        Duration environmentAge) {
    /** What the operator wants of isolation. */
    public enum Isolate {
        /** As much as the machine allows. */
        AUTO,
        /** No Python model runs without. */
        REQUIRED,
        /** None. */
        OFF
    }
}
