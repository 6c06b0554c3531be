package dev.tidemill.app;

import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.RefusalJournal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.HeldElsewhere;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RouteManifest;
import dev.tidemill.platform.http.WebServer;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process that waits while another server holds the data directory and its database, and becomes the server once that one has
 * ended. Meanwhile it answers at its HTTP port that it lives and is not ready, so that nothing is sent to it.
 */
final class Standby {
    private static final Logger LOG = LoggerFactory.getLogger(Standby.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    /** Between attempts that take something up and fail. */
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(8);

    private static final int MOST_REASONS = 100;

    private final Settings settings;
    private final Parts parts = new Parts();
    private final Set<String> told = new HashSet<>();
    private volatile String waitsFor = "";

    private Standby(Settings settings) {
        this.settings = settings;
    }

    /**
     * Waits for its turn and starts the server then.
     *
     * @throws TidemillException as {@link Server#start}, for anything but that another server holds what this one would, or, once it
     *     has stood by for that, what passes by itself; see {@link PassingFailures}
     */
    static Server start(Settings settings) {
        var standby = new Standby(settings);
        try {
            return standby.follow();
        } finally {
            standby.parts.close();
        }
    }

    private Server follow() {
        Duration pause = PAUSE;
        while (true) {
            try {
                // The server listens at the same port.
                return Server.start(settings, parts::close);
            } catch (RuntimeException e) {
                boolean held = HeldElsewhere.isCauseOf(e);
                // Whoever follows a server that was lost with its database or disk waits for these too; a first start
                // says
                // what is wrong.
                if (!held && (waitsFor.isEmpty() || !PassingFailures.mayPass(e))) {
                    throw e;
                }
                pause = held ? PAUSE : pause;
                waitFor(TidemillException.said(e), pause);
                pause = pause.compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : pause;
            }
        }
    }

    private void waitFor(String reason, Duration pause) {
        // Reasons may come in turns.
        if (told.size() < MOST_REASONS && told.add(reason)) {
            LOG.warn("Standing by: {}", reason);
        }
        waitsFor = reason;
        if (parts.isEmpty()) {
            listen();
        }
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted while standing by").causedBy(e);
        }
    }

    private void listen() {
        var telemetry = parts.keep(new Telemetry(Optional.empty()));
        RefusalJournal refusals = refusal -> LOG.debug("Refused {} {}: it stands by", refusal.method(), refusal.path());
        var web = parts.keep(new WebServer(
                Listeners.web(settings),
                new RouteManifest().add(OperationsRoutes.ofStandby(() -> waitsFor)),
                new Admission(new Nobody()),
                telemetry,
                refusals,
                BytesInFlight.ofHeap()));
        web.start();
        LOG.info("It answers at port {} of {} meanwhile", web.port(), settings.text(Setting.HTTP_HOST));
    }

    /** Nothing that is answered here asks who calls. */
    private static final class Nobody implements Authentication {
        @Override
        public Optional<Principal> authenticate(Credentials credentials) {
            return Optional.empty();
        }

        @Override
        public Optional<Role> role(Principal principal, String project) {
            return Optional.empty();
        }
    }
}
