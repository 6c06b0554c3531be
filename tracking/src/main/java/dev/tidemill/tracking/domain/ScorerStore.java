package dev.tidemill.tracking.domain;

import java.util.List;
import java.util.Optional;

/** Keeps scorers. All methods join the caller's transaction. */
public interface ScorerStore {
    void insert(Scorer scorer);

    /** Versions of a name, the oldest first; of every name where it is empty. */
    List<Scorer> versions(long experiment, Optional<String> name);

    /** Removes one version, or all of them; gives how many there were. */
    int delete(long experiment, String name, Optional<Integer> version);
}
