package dev.tidemill.app;

import dev.tidemill.platform.config.Logging;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tidemill server}. */
@Command(
        name = "server",
        description = "Start a server.",
        mixinStandardHelpOptions = true,
        footer = {"", "Ready when GET /health answers 200. Every setting: --print-settings"})
final class ServerCommand implements Callable<Integer> {
    /** Not an exit code: the server's threads keep the process alive. */
    static final int STAYS_UP = -1;

    private static final int FAILURE = 1;

    @Option(names = "--host", description = "Address to listen on. Default: 127.0.0.1")
    private @Nullable String host;

    @Option(names = "--port", description = "Port for HTTP; 0 picks a free one. Default: 8080")
    private @Nullable String port;

    @Option(names = "--grpc-port", description = "Port for gRPC; 0 picks a free one. Default: 8081")
    private @Nullable String grpcPort;

    @Option(names = "--data-dir", paramLabel = "DIR", description = "Where everything lives")
    private @Nullable String dataDirectory;

    @Option(
            names = "--database",
            paramLabel = "ADDRESS",
            description = "sqlite, or postgresql://user:password@host/database")
    private @Nullable String database;

    @Option(names = "--roles", description = "What this process does: control,gateway,worker")
    private @Nullable String roles;

    @Option(
            names = "--control",
            paramLabel = "URL",
            description = "With --roles gateway: the control plane to serve for")
    private @Nullable String control;

    @Option(
            names = "--default-artifact-root",
            paramLabel = "URI",
            description = "Where new experiments keep artifacts. Default: mlflow-artifacts:/, this server's own store")
    private @Nullable String artifactRoot;

    @Option(
            names = "--tls-certificate",
            paramLabel = "FILE",
            description = "PEM certificate; with --tls-key: TLS alone")
    private @Nullable String certificate;

    @Option(names = "--tls-key", paramLabel = "FILE", description = "PEM private key of the certificate, PKCS #8")
    private @Nullable String key;

    @Option(names = "--config", paramLabel = "FILE", description = "Settings as key=value lines")
    private @Nullable Path config;

    @Option(
            names = "--standby",
            description = "Wait while another server holds the directory, and follow it when it ends")
    private boolean standby;

    @Option(names = "--testing", description = "Open the reset route; loopback only")
    private boolean testing;

    @Option(
            names = "--supervise",
            description = "Start it again when it ends for want of memory, saying so; done by the launcher")
    private boolean supervised;

    @Option(names = "--print-settings", description = "Print the effective settings and end")
    private boolean printSettings;

    @Override
    public Integer call() {
        try {
            Logging.begin();
            Settings.strange(System.getenv()).forEach(warning -> System.err.println("tidemill: " + warning));
            Settings settings = Settings.load(Optional.ofNullable(config), System.getenv(), flags());
            if (printSettings) {
                System.out.print(settings.table());
                return 0;
            }
            Logging.configure(settings);
            System.err.print(settings.table());
            Node server = Node.start(settings);
            GarbageSweep.start();
            Runtime.getRuntime().addShutdownHook(new Thread(server::close, "shutdown"));
            System.out.println("Tidemill is ready at " + server.url() + " (gRPC " + server.grpcAddress() + ")");
            server.setupSecret()
                    .ifPresent(secret -> System.out.println(
                            "There is no administrator yet. Make the first administrator with this one-time secret: "
                                    + secret));
            System.out.flush();
            return STAYS_UP;
        } catch (TidemillException e) {
            System.err.println("tidemill: " + named(e));
            e.remedy().ifPresent(remedy -> System.err.println("  " + remedy));
            return FAILURE;
        }
    }

    /** What was wrong, with the name of the setting where it is told apart from the message. */
    private static String named(TidemillException e) {
        return e.field()
                .filter(field -> Setting.isKey(field) && !e.message().contains(field))
                .map(field -> field + ": " + e.message())
                .orElse(e.message());
    }

    private Map<String, String> flags() {
        var flags = new TreeMap<String, String>();
        put(flags, Setting.HTTP_HOST, host);
        put(flags, Setting.HTTP_PORT, port);
        put(flags, Setting.GRPC_PORT, grpcPort);
        put(flags, Setting.DATA_DIRECTORY, dataDirectory);
        put(flags, Setting.DATABASE, database);
        put(flags, Setting.ROLES, roles);
        put(flags, Setting.CONTROL_URL, control);
        put(flags, Setting.ARTIFACT_ROOT, artifactRoot);
        put(flags, Setting.TLS_CERTIFICATE, certificate);
        put(flags, Setting.TLS_KEY, key);
        if (standby) {
            flags.put(Setting.STANDBY.key(), "true");
        }
        if (testing) {
            flags.put(Setting.TESTING.key(), "true");
        }
        return flags;
    }

    private static void put(Map<String, String> flags, Setting setting, @Nullable String value) {
        if (value != null) {
            flags.put(setting.key(), value);
        }
    }
}
