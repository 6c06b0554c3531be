package dev.tidemill.inference.python;

import java.util.List;
import java.util.OptionalInt;

/** A program that runs another apart: in a view of the file system of its own and without any of root's powers. */
interface Isolator {
    /**
     * The command that runs a command apart.
     *
     * @param megabytes most memory that its temporary files take
     * @param user that it runs as, where the server is root; empty for the server's own user
     */
    List<String> wrap(List<String> command, IsolatedView view, int megabytes, OptionalInt user);
}
