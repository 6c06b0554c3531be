package dev.tidemill.registry.domain;

/**
 * Which version of which model.
 *
 * @param version from 1
 */
public record VersionId(String project, String model, int version) {
    /** How people and other things of its project refer to it, such as {@code bike-demand/3}. */
    public String reference() {
        return model + "/" + version;
    }
}
