package dev.tidemill.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The root of the command line. */
@Command(
        name = "tidemill",
        description = "The whole machine-learning operations loop in one process.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        versionProvider = VersionCommand.class,
        footer = {
            "",
            "Examples:",
            "  tidemill demo                                   the whole loop on real data, in minutes",
            "  tidemill server                                 a server on http://127.0.0.1:8080",
            "  tidemill init my-project --template tabular     a project of your own",
            "  tidemill apply -f my-project                    make it so",
            "  tidemill run train                              run its pipeline"
        },
        subcommands = {
            DemoCommand.class,
            InitCommand.class,
            ProjectsCommand.class,
            UsersCommand.class,
            DeploymentsCommand.class,
            ApplyCommand.class,
            RunCommand.class,
            RunsCommand.class,
            ModelsCommand.class,
            ArtifactsCommand.class,
            EventsCommand.class,
            WebhooksCommand.class,
            ImportCommand.class,
            ExportCommand.class,
            BackupCommand.class,
            StatusCommand.class,
            WhyCommand.class,
            LogsCommand.class,
            PredictCommand.class,
            ScoreCommand.class,
            ReplayCommand.class,
            VersionCommand.class,
            AutoComplete.GenerateCompletion.class,
            HelpCommand.class
        })
public final class TidemillCommand implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name a command.");
    }

    /** A command line that prints failures as one message and ends with the agreed exit codes. */
    public static CommandLine commandLine() {
        return new CommandLine(new TidemillCommand())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((wrong, arguments) -> refuse(wrong))
                .setExecutionExceptionHandler((failure, command, result) -> switch (failure) {
                    case CliException known -> fail(known.getMessage(), known.exit());
                    case Api.Unreachable unreachable -> fail(unreachable.getMessage(), Exit.FAILURE);
                    case NoSuchFileException absent ->
                        fail("There is no file or folder " + absent.getFile(), Exit.NOT_FOUND);
                    case AccessDeniedException denied ->
                        fail(denied.getFile() + " may not be read or written by this user", Exit.PERMISSION);
                    case FileSystemException file -> fail(file.getMessage(), Exit.FAILURE);
                    // A connection that breaks off while something is read from it, a disk that fails.
                    case IOException broken -> fail(cause(broken), Exit.FAILURE);
                    case UncheckedIOException broken ->
                        fail(cause(broken.getCause() instanceof IOException within ? within : broken), Exit.FAILURE);
                    default -> throw failure;
                });
    }

    private static String cause(Exception failure) {
        return failure.getClass().getSimpleName().replace("Exception", "") + ": " + failure.getMessage();
    }

    /** One line of what is wrong; the whole help only where no command is named, since it lists the commands. */
    private static int refuse(ParameterException wrong) {
        CommandLine command = wrong.getCommandLine();
        PrintWriter error = command.getErr();
        error.println("tidemill: " + wrong.getMessage());
        if (wrong.getClass() == ParameterException.class) {
            command.usage(error);
        } else if (!UnmatchedArgumentException.printSuggestions(wrong, error)) {
            error.println("'" + command.getCommandSpec().qualifiedName() + " --help' tells more");
        }
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }

    private static int fail(@org.jspecify.annotations.Nullable String message, int exit) {
        System.err.println("tidemill: " + message);
        return exit;
    }
}
