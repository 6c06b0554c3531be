package dev.tidemill.app;

import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.config.UserHome;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.modules.ProcessRole;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** One started process of the platform: a server, or a gateway that serves for one. */
public interface Node extends AutoCloseable {
    /**
     * Starts what the settings ask for; when this returns it is ready. A standby waits until then.
     *
     * @throws TidemillException for a setting, directory, database or port that cannot be used; nothing is left open then
     */
    static Node start(Settings settings) {
        Listeners.check(settings);
        Optional<String> control = settings.optional(Setting.CONTROL_URL);
        boolean onlyGateway = roles(settings).equals(Set.of(ProcessRole.GATEWAY));
        if (control.isPresent() && !onlyGateway) {
            throw TidemillException.invalid("control.url", "'control.url' is for a process whose only role is gateway")
                    .remedy("Start it with --roles gateway, or leave --control out");
        }
        if (control.isEmpty() && onlyGateway) {
            throw TidemillException.invalid("roles", "A process whose only role is gateway has no database of its own")
                    .remedy("Name the control plane it serves for with --control http://HOST:PORT");
        }
        boolean standby = settings.flag(Setting.STANDBY);
        if (standby && onlyGateway) {
            throw TidemillException.invalid("standby", "A process whose only role is gateway follows nobody")
                    .remedy("Start as many gateways as are wanted, without --standby");
        }
        if (onlyGateway) {
            return GatewayReplica.start(settings);
        }
        return standby ? Standby.start(settings) : Server.start(settings);
    }

    /** The roles that the settings name. */
    static Set<ProcessRole> roles(Settings settings) {
        return settings.list(Setting.ROLES).stream()
                .map(role -> ProcessRole.valueOf(role.toUpperCase(Locale.ROOT)))
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Where everything of this process is kept. */
    static Path dataDirectory(Settings settings) {
        return settings.optional(Setting.DATA_DIRECTORY).map(Path::of).orElseGet(() -> {
            String base = System.getenv("XDG_DATA_HOME");
            return base == null || base.isBlank()
                    ? UserHome.path().resolve(Path.of(".local", "share", "tidemill"))
                    : Path.of(base, "tidemill");
        });
    }

    String url();

    /** Host and port of gRPC. */
    String grpcAddress();

    /** The one-time secret of a server that nobody administers. */
    Optional<String> setupSecret();

    @Override
    void close();
}
