package dev.tidemill.inference.api;

/**
 * What an inference client calls a model: its deployment's name, after {@code project~} where the project is not {@code
 * default}.
 */
record ModelName(String project, String name) {
    static ModelName parse(String text) {
        int tilde = text.indexOf('~');
        return tilde < 0
                ? new ModelName("default", text)
                : new ModelName(text.substring(0, tilde), text.substring(tilde + 1));
    }
}
