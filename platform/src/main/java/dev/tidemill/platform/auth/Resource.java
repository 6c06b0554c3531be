package dev.tidemill.platform.auth;

/** The kinds of thing that routes are about. */
public enum Resource {
    SERVER,
    PROJECT,
    USER,
    TOKEN,
    EVENT,
    WEBHOOK,
    DEFINITION,
    ARTIFACT,
    PIPELINE,
    DATA_SET,
    FEATURE,
    EXPERIMENT,
    MODEL,
    INFERENCE,
    DEPLOYMENT,
    MONITOR
}
