package dev.tidemill.app;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.FullDisk;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Set;

/** Tells failures of a start that pass by themselves from those that somebody has to do something about. */
final class PassingFailures {
    private static final Set<ErrorCode> CODES =
            Set.of(ErrorCode.UNAVAILABLE, ErrorCode.STORAGE_FULL, ErrorCode.TIMEOUT, ErrorCode.RATE_LIMITED);

    /** What a system says, beside that there is no room, of a file that it could not write or read this time. */
    private static final Set<String> OF_THE_SYSTEM = Set.of("Input/output error", "Stale file handle");

    private PassingFailures() {}

    /**
     * Whether the same start may go well later without anybody's doing: the database or a store is away or full, the disk is. A schema
     * or a format that is not known, a wrong key or setting stays.
     */
    static boolean mayPass(RuntimeException failure) {
        if (failure instanceof TidemillException coded && CODES.contains(coded.code())) {
            return true;
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof IOException io && passes(io)) {
                return true;
            }
        }
        return false;
    }

    private static boolean passes(IOException failure) {
        boolean stays = failure instanceof AccessDeniedException
                || failure instanceof FileAlreadyExistsException
                || failure instanceof NoSuchFileException
                || failure instanceof NotDirectoryException;
        String said = String.valueOf(failure.getMessage());
        return !stays && (FullDisk.is(failure) || OF_THE_SYSTEM.stream().anyMatch(said::contains));
    }
}
