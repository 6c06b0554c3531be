package dev.tidemill.tracking.domain;

import java.util.List;

/** Keeps saved views. All methods join the caller's transaction. */
public interface SavedViewStore {
    /** Keeps a view, in place of the one of that name. */
    void put(String project, SavedView view);

    /** By name. */
    List<SavedView> list(String project);

    boolean delete(String project, String name);
}
