package dev.tidemill.inference.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * An environment that Python models run in, or one on its way.
 *
 * @param state {@code ready}, {@code failed}, or how far its build is: {@code waiting}, {@code resolving}, {@code installing}
 * @param model that first asked, while it is being built; empty once it is ready
 * @param bytes on disk once it is ready
 * @param since when it was last used; when its build began
 * @param users models that are loaded with it
 * @param detail how far the build is; why it failed; empty once it is ready
 * @param nextTry from when on the next call starts a failed build again; empty for any other
 */
public record ModelEnvironment(
        String id,
        String state,
        String model,
        long bytes,
        Instant since,
        int users,
        String detail,
        Optional<Instant> nextTry) {}
