package dev.tidemill.inference.domain;

/** Which version of those that a name stands for has answered. */
public enum Route {
    CHAMPION("champion"),
    CHALLENGER("challenger"),
    /** No side of a deployment: a registered model under its own name, or a version that was asked for by its number. */
    REGISTERED("registered");

    private final String text;

    Route(String text) {
        this.text = text;
    }

    /** As answers and payloads tell it. */
    public String text() {
        return text;
    }

    /** Whether a deployment's plan has chosen or named it, so that it counts to the deployment's figures. */
    public boolean isPlanned() {
        return this != REGISTERED;
    }
}
