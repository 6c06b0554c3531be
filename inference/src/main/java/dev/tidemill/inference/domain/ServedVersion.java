package dev.tidemill.inference.domain;

import dev.tidemill.artifacts.domain.Digest;

/** A model version that a gateway serves. */
public record ServedVersion(String model, int version, Digest folder) {
    public String reference() {
        return model + "/" + version;
    }
}
