package dev.tidemill.app;

import dev.tidemill.cli.TidemillCommand;

/** The one entry point: {@code server} starts a server, everything else is the command line. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        int exit = TidemillCommand.commandLine()
                .addSubcommand("server", new ServerCommand())
                .addSubcommand("restore", new RestoreCommand())
                .execute(arguments);
        if (exit != ServerCommand.STAYS_UP) {
            System.exit(exit);
        }
    }
}
