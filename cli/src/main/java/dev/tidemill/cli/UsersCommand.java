package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill users}: who may sign in, for an administrator of the server. */
@Command(
        name = "users",
        description = "List, create and delete users, give them new passwords, and end their tokens and sessions.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Passwords are asked for at the terminal, or read as one line from standard input.",
            "",
            "Example:",
            "  tidemill users create bob && tidemill users password bob"
        })
final class UsersCommand extends CommandGroup {
    private static final String PATH = "/api/tidemill/v1/users";

    @Command(name = "list", description = "List the users.", mixinStandardHelpOptions = true)
    int list(@Mixin Connection connection) {
        JsonNode answer = connection.api().get(PATH);
        if (connection.json()) {
            System.out.println(answer);
            return Exit.OK;
        }
        var table = new Columns("user", "administrator", "created");
        answer.path("users")
                .forEach(user -> table.add(List.of(
                        user.path("name").asText(),
                        user.path("administrator").asBoolean() ? "yes" : "no",
                        user.path("createdAt").asText())));
        table.print();
        return Exit.OK;
    }

    @Command(
            name = "create",
            description = "Create a user; the first one is an administrator.",
            mixinStandardHelpOptions = true)
    int create(
            @Mixin Connection connection,
            @Option(names = "--administrator", description = "May administer the server") boolean administrator,
            @Parameters(paramLabel = "NAME") String name)
            throws IOException {
        var body = Api.object().put("name", name).put("password", password());
        if (administrator) {
            body.put("administrator", true);
        }
        JsonNode made = connection.api().post(PATH, body);
        System.out.println(
                connection.json()
                        ? made.toString()
                        : "Created the user '" + name + "'"
                                + (made.path("administrator").asBoolean() ? ", an administrator" : ""));
        return Exit.OK;
    }

    @Command(
            name = "password",
            description = "Give a user a new password; all sessions of the user end.",
            mixinStandardHelpOptions = true)
    int password(@Mixin Connection connection, @Parameters(paramLabel = "NAME") String name) throws IOException {
        connection
                .api()
                .put(
                        PATH + "/" + Api.encode(name) + "/password",
                        Api.object().put("password", password()),
                        Optional.empty());
        System.err.println("'" + name + "' has a new password, and is signed out everywhere.");
        return Exit.OK;
    }

    @Command(
            name = "end-access",
            description = "End all tokens and sessions of a user, who may sign in anew.",
            mixinStandardHelpOptions = true)
    int endAccess(@Mixin Connection connection, @Parameters(paramLabel = "NAME") String name) {
        JsonNode answer = connection.api().delete(PATH + "/" + Api.encode(name) + "/tokens");
        System.out.println(
                connection.json() ? answer.toString() : answer.path("ended").asText("0") + " tokens have ended");
        return Exit.OK;
    }

    @Command(
            name = "delete",
            description = "Delete a user: tokens and sessions end at once, memberships go.",
            mixinStandardHelpOptions = true)
    int delete(@Mixin Connection connection, @Parameters(paramLabel = "NAME") String name) {
        connection.api().delete(PATH + "/" + Api.encode(name));
        System.err.println("Deleted the user '" + name + "'.");
        return Exit.OK;
    }

    /** Never from the command line, where others see it. */
    private static String password() throws IOException {
        if (System.console() != null && System.console().isTerminal()) {
            char[] first = System.console().readPassword("Password (12 characters at least): ");
            char[] again = System.console().readPassword("Again: ");
            if (first == null || !java.util.Arrays.equals(first, again)) {
                throw new CliException(Exit.FAILURE, "The two passwords differ; nothing was changed");
            }
            return new String(first);
        }
        String line = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
        if (line == null || line.isEmpty()) {
            throw new CliException(Exit.FAILURE, "Write the password to standard input, or run it at a terminal");
        }
        return line;
    }
}
