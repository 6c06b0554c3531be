package dev.tidemill.platform.sql;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where the metadata lives. The operator writes a short address; drivers only ever get the typed parts, so no driver
 * property can be smuggled in.
 */
public sealed interface DatabaseAddress {
    /** The SQLite file inside the data directory. */
    record Sqlite() implements DatabaseAddress {}

    record Postgres(
            String host, int port, String database, String user, Optional<String> password, Optional<String> schema)
            implements DatabaseAddress {
        @Override
        public String toString() {
            return text("");
        }

        /** As it is written, with a word in the place of the password if there is one. */
        public String withPlaceOfPassword(String word) {
            return text(password.isPresent() ? ":" + word : "");
        }

        private String text(String secret) {
            return "postgresql://" + user + secret + "@" + host + ":" + port + "/" + database
                    + schema.map(name -> "?schema=" + name).orElse("");
        }
    }

    Pattern IDENTIFIER = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}");
    Pattern HOST = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\\[[0-9a-fA-F:]+]");

    /**
     * Parses {@code sqlite} or {@code postgresql://user[:password]@host[:port]/database[?schema=name]}.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT}; its message never repeats the password
     */
    static DatabaseAddress parse(String text) {
        if (text.isBlank() || text.equals("sqlite")) {
            return new Sqlite();
        }
        try {
            URI uri = new URI(text);
            if (!List.of("postgresql", "postgres").contains(String.valueOf(uri.getScheme()))) {
                throw malformed("its scheme is neither 'sqlite' nor 'postgresql'");
            }
            return postgres(uri);
        } catch (URISyntaxException e) {
            throw malformed("it is not a URL");
        }
    }

    private static Postgres postgres(URI uri) {
        String user = uri.getRawUserInfo();
        String host = uri.getHost();
        String path = uri.getPath();
        if (user == null || host == null || path == null || path.length() < 2) {
            throw malformed("user, host or database is missing");
        }
        String[] credentials = user.split(":", 2);
        Optional<String> schema = Optional.ofNullable(uri.getQuery()).map(query -> {
            if (!query.startsWith("schema=")) {
                throw malformed("the only parameter it may have is 'schema'");
            }
            return identifier(query.substring("schema=".length()));
        });
        if (!HOST.matcher(host).matches()) {
            throw malformed("the host is not a host name");
        }
        return new Postgres(
                host,
                uri.getPort() < 0 ? 5432 : uri.getPort(),
                identifier(path.substring(1)),
                identifier(decode(credentials[0])),
                credentials.length == 2 ? Optional.of(decode(credentials[1])) : Optional.empty(),
                schema);
    }

    private static String decode(String text) {
        return java.net.URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    private static String identifier(String text) {
        if (!IDENTIFIER.matcher(text).matches()) {
            throw malformed("user, database and schema are letters, digits, '_', '.' and '-'");
        }
        return text;
    }

    private static TidemillException malformed(String why) {
        return new TidemillException(ErrorCode.INVALID_ARGUMENT, "The database address cannot be used: " + why)
                .at("database")
                .remedy("Write 'sqlite' or 'postgresql://user:password@host:5432/database'");
    }
}
