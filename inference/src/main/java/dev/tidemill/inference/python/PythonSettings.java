package dev.tidemill.inference.python;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How Python models are run.
 *
 * @param interpreter that environments are made with, such as {@code python3}
 * @param environment an environment of the operator's that serves every model; empty to build one for each set of requirements
 * @param folder where environments and unpacked models lie
 * @param workers processes of each model
 * @param memoryMegabytes most memory of one process
 * @param patience how long one prediction may take
 */
public record PythonSettings(
        String interpreter,
        Optional<Path> environment,
        Path folder,
        int workers,
        int memoryMegabytes,
        Duration patience) {}
