package dev.tidemill.cli;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of every command that talks to a server. */
final class Connection {
    @Option(
            names = "--server",
            paramLabel = "URL",
            description = "Server to talk to; also $TIDEMILL_SERVER. Default: http://127.0.0.1:8080")
    private @Nullable String server;

    @Option(
            names = {"-p", "--project"},
            paramLabel = "NAME",
            description = "Project; also $TIDEMILL_PROJECT. Default: default")
    private @Nullable String project;

    @Option(
            names = "--ca-certificate",
            paramLabel = "FILE",
            description =
                    "PEM file of those that may vouch for the server; also $SSL_CERT_FILE. Default: Java's own list")
    private @Nullable String authorities;

    @Option(names = "--json", description = "Print the answer as JSON")
    private boolean json;

    Api api() {
        return new Api(
                first(server, "TIDEMILL_SERVER", "http://127.0.0.1:8080"),
                Optional.ofNullable(System.getenv("TIDEMILL_TOKEN")).filter(text -> !text.isBlank()),
                first(project, "TIDEMILL_PROJECT", "default"),
                authorities());
    }

    /** PEM file of the authorities that are believed; empty for those that Java knows. */
    Optional<String> authorities() {
        return Optional.of(first(authorities, "SSL_CERT_FILE", "")).filter(file -> !file.isEmpty());
    }

    boolean json() {
        return json;
    }

    private static String first(@Nullable String flag, String variable, String otherwise) {
        if (flag != null) {
            return flag;
        }
        String value = System.getenv(variable);
        return value == null || value.isBlank() ? otherwise : value;
    }
}
