package dev.tidemill.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * What could not be carried over: where it was, and why. The rest goes on without it, and the command ends with the list. Not
 * thread-safe.
 */
final class Omissions {
    private static final int SHOWN = 200;

    /** One thing that was left out. */
    record Omission(String place, String cause) {}

    /** Work on one item, which may fail for it alone. */
    @FunctionalInterface
    interface Work {
        void run() throws IOException;
    }

    private final Set<Omission> list = new LinkedHashSet<>();

    void add(String place, String cause) {
        list.add(new Omission(place, cause));
    }

    /**
     * Does the work; what it fails for is noted under the place. What would fail for every other item too ends the command: a
     * server that is not there, a missing right, an interruption.
     *
     * @return whether it was done
     */
    boolean attempt(String place, Work work) throws IOException {
        try {
            work.run();
            return true;
        } catch (Api.Unreachable e) {
            throw e;
        } catch (CliException e) {
            if (e.exit() == Exit.PERMISSION || e.exit() == Exit.INTERRUPTED) {
                throw e;
            }
            add(place, String.valueOf(e.getMessage()));
        } catch (UncheckedIOException e) {
            IOException within = e.getCause();
            add(place, within == null ? cause(e) : cause(within));
        } catch (IOException | IllegalArgumentException | UnsupportedOperationException e) {
            add(place, cause(e));
        } catch (StackOverflowError | OutOfMemoryError e) {
            // What it had is free again: the next item may need less.
            add(
                    place,
                    "it takes more memory than this command has, "
                            + (Runtime.getRuntime().maxMemory() >> 20) + " MB");
        }
        return false;
    }

    private static String cause(Exception e) {
        return e.getMessage() == null
                ? e.getClass().getSimpleName()
                : e.getClass().getSimpleName().replace("Exception", "") + ": " + e.getMessage();
    }

    /** How many things were noted so far; to be compared with the number later. */
    int size() {
        return list.size();
    }

    /** Adds the list to what the command tells. */
    void tell(ObjectNode result) {
        var omitted = result.putArray("omitted");
        list.forEach(one -> omitted.addObject().put("place", one.place()).put("cause", one.cause()));
    }

    /** Prints the list on standard error. */
    void print() {
        if (list.isEmpty()) {
            return;
        }
        System.err.println(list.size() + " items were left out; start the command again to take what is missing:");
        list.stream()
                .limit(SHOWN)
                .forEach(one -> System.err.println("  " + one.place() + ": "
                        + one.cause().replace("\n", " ").strip()));
        if (list.size() > SHOWN) {
            System.err.println("  and " + (list.size() - SHOWN) + " more; --json tells them all");
        }
    }

    /** The command's exit code. */
    int exit() {
        return list.isEmpty() ? Exit.OK : Exit.INCOMPLETE;
    }
}
