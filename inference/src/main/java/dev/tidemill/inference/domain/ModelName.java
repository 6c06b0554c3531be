package dev.tidemill.inference.domain;

/**
 * What an inference client calls a model: its deployment's or its own name, after {@code project~} where the project is not
 * {@code default}.
 */
public record ModelName(String project, String name) {
    private static final String DEFAULT = "default";

    public static ModelName parse(String text) {
        int tilde = text.indexOf('~');
        return tilde < 0
                ? new ModelName(DEFAULT, text)
                : new ModelName(text.substring(0, tilde), text.substring(tilde + 1));
    }

    public static String of(String project, String name) {
        return project.equals(DEFAULT) ? name : project + "~" + name;
    }
}
