package dev.tidemill.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

/** {@code tidemill version}. */
@Command(name = "version", description = "Print the version.", mixinStandardHelpOptions = true)
final class VersionCommand implements Callable<Integer>, IVersionProvider {
    @Option(names = "--json", description = "Print as JSON")
    private boolean json;

    @Override
    public Integer call() {
        System.out.println(
                json
                        ? Api.object()
                                .put("version", version())
                                .put("java", Runtime.version().toString())
                        : "tidemill " + version());
        return Exit.OK;
    }

    @Override
    public String[] getVersion() {
        return new String[] {"tidemill " + version()};
    }

    static String version() {
        try (InputStream in = VersionCommand.class.getResourceAsStream("/tidemill-version.properties")) {
            var properties = new Properties();
            if (in != null) {
                properties.load(in);
            }
            return properties.getProperty("version", "unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }
}
