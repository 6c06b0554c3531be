package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;

/**
 * Ends what a server lists without end: pages of which each names a next one, folders that hold themselves; and asks for shorter pages
 * where one is longer than an answer may be. Not thread-safe.
 */
final class ListingBounds {
    /** Pages of a search, or folders below one, at most. */
    static final int PAGES = 100_000;

    private static final int DEPTH = 100;

    private final String server;
    private final String what;
    /** Digests of the tokens, which may be long. */
    private final Set<String> seen = new HashSet<>();

    private int size;

    /** Asks for a page. */
    @FunctionalInterface
    interface Page {
        /** @param size how many entries it has at most */
        JsonNode of(int size) throws IOException;
    }

    /**
     * Bounds one search.
     *
     * @param server for messages
     * @param what the path that is asked
     * @param size entries that a page has at most
     */
    ListingBounds(String server, String what, int size) {
        this.server = server;
        this.what = what;
        this.size = size;
    }

    /** A page of as many entries as fit into an answer. */
    JsonNode page(Page asked) throws IOException {
        while (true) {
            try {
                return asked.of(size);
            } catch (CliException.TooMuch e) {
                if (size == 1) {
                    throw e;
                }
                size = Math.max(1, size / 10);
            }
        }
    }

    /** The token of the page that follows; empty if none does. */
    String next(JsonNode page) {
        String token = page.path("next_page_token").asText("");
        if (!token.isEmpty() && !seen.add(Sha256.of(token))) {
            throw new CliException(
                    Exit.FAILURE,
                    server + " names page '" + token.substring(0, Math.min(token.length(), 80)) + "' of " + what
                            + " twice, so that its listing has no end");
        }
        if (seen.size() >= PAGES) {
            throw new CliException(Exit.FAILURE, server + " names more than " + PAGES + " pages of " + what);
        }
        return token;
    }

    /** Refuses a folder that lies too deep within others. */
    static void depth(String server, String folder) {
        if (folder.chars().filter(letter -> letter == '/').count() >= DEPTH) {
            throw new CliException(
                    Exit.FAILURE,
                    server + " lists more than " + DEPTH + " folders within one another: '" + folder.substring(0, 80)
                            + "' and on");
        }
    }
}
