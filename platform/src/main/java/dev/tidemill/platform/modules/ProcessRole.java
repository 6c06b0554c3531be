package dev.tidemill.platform.modules;

import java.util.Locale;

/** What a process of the platform does; one may have several. */
public enum ProcessRole {
    /** Decides: monitoring, webhooks, housekeeping. One process of this role at a time. */
    CONTROL,
    /** Answers predictions. */
    GATEWAY,
    /** Executes steps of pipelines. */
    WORKER;

    /** As settings and answers name it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
