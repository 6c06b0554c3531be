package dev.tidemill.inference.domain;

import java.util.List;

/** What runs models that need libraries of their own: how apart they are kept, and those libraries. Thread-safe. */
public interface ModelEnvironments {
    /** What keeps such models apart here, in words. */
    String isolation();

    /** Whether anything does. */
    boolean isIsolated();

    /** Environments on disk, in the making, and failed. */
    List<ModelEnvironment> environments();

    /** Lets the next caller of a model try a failed build again at once; false if none of that id is known. */
    boolean retry(String id);
}
