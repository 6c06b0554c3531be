package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import java.util.List;
import java.util.Optional;

/** A web server on loopback, at a free port, for routes that a test makes. */
final class LoopbackWebServer {
    /** Knows nobody, for routes that everybody may call. */
    static final Authentication NOBODY = new Authentication() {
        @Override
        public Optional<Principal> authenticate(Credentials credentials) {
            return Optional.empty();
        }

        @Override
        public Optional<Role> role(Principal principal, String project) {
            return Optional.empty();
        }
    };

    private LoopbackWebServer() {}

    /** @param connections that one address may have open */
    static WebServer start(
            RouteManifest manifest,
            Authentication authentication,
            Telemetry telemetry,
            BytesInFlight budget,
            int connections,
            TrustedProxies proxies) {
        return new WebServer(
                        new WebServer.Settings(
                                "127.0.0.1",
                                0,
                                new AllowedHosts(List.of(), List.of(), true, "127.0.0.1"),
                                8 << 20,
                                1024,
                                connections,
                                proxies,
                                Optional.empty()),
                        manifest,
                        new Admission(authentication),
                        telemetry,
                        refusal -> {},
                        budget)
                .start();
    }
}
