package dev.tidemill.platform.auth;

/** What a caller does to a resource; each role may do a prefix of this list. */
public enum Action {
    /** See it. */
    READ,
    /** Make or change work of one's own: data, runs, models, predictions, labels. */
    WRITE,
    /** Change what runs: definitions, deployments, promotions, webhooks. */
    OPERATE,
    /** Change who may do what. */
    ADMINISTER
}
