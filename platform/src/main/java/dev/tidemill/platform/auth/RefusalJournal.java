package dev.tidemill.platform.auth;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.ids.StorableText;

/** Journals refused requests for the auditor. Never blocks the answer. Thread-safe. */
@FunctionalInterface
public interface RefusalJournal {
    void record(Refusal refusal);

    /**
     * One refused request.
     *
     * @param actor who it was, as {@link Actor} has it, or {@link Actor#UNKNOWN}
     * @param address it came from
     * @param path at most 1000 characters of what was asked for; what no database keeps of it is replaced
     */
    record Refusal(String actor, String address, String method, String path, ErrorCode code) {
        private static final int LONGEST_PATH = 1000;

        public Refusal {
            path = StorableText.cut(StorableText.shown(path), LONGEST_PATH);
        }
    }
}
