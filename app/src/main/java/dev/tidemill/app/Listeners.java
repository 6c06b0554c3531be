package dev.tidemill.app;

import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.RefusalJournal;
import dev.tidemill.platform.auth.TlsFiles;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.grpc.GrpcServer;
import dev.tidemill.platform.http.AllowedHosts;
import dev.tidemill.platform.http.RouteManifest;
import dev.tidemill.platform.http.TrustedProxies;
import dev.tidemill.platform.http.WebServer;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * Where a process can be reached.
 *
 * @param url of HTTP
 * @param grpc host and port of gRPC
 */
record Listeners(String url, String grpc) {
    /**
     * Refuses what could not be listened with, before anything else is opened.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the setting
     */
    static void check(Settings settings) {
        TrustedProxies.of(settings.list(Setting.HTTP_TRUSTED_PROXIES));
        tls(settings).ifPresent(TlsFiles::keyStore);
    }

    private static Optional<TlsFiles> tls(Settings settings) {
        return TlsFiles.of(settings.optional(Setting.TLS_CERTIFICATE), settings.optional(Setting.TLS_KEY));
    }

    /** Opens both ports for everything in the manifest. */
    static Listeners open(
            Settings settings,
            RouteManifest manifest,
            Admission admission,
            Telemetry telemetry,
            RefusalJournal refusals,
            Parts parts) {
        String host = settings.text(Setting.HTTP_HOST);
        long maxBody = settings.megabytes(Setting.HTTP_MAX_BODY);
        Optional<TlsFiles> tls = tls(settings);
        TrustedProxies proxies = TrustedProxies.of(settings.list(Setting.HTTP_TRUSTED_PROXIES));
        var budget = BytesInFlight.ofHeap();
        telemetry.gauge(
                "tidemill.requests.memory.bytes", "Memory that requests under way hold by estimate", budget::taken);
        telemetry.gauge("tidemill.requests.memory.limit.bytes", "What they may hold together", budget::most);
        telemetry.gauge("tidemill.requests.memory.refused", "Requests refused since it was spent", budget::refused);
        var grpc = parts.keep(new GrpcServer(
                new GrpcServer.Settings(
                        host,
                        settings.whole(Setting.GRPC_PORT),
                        (int) Math.min(maxBody, Integer.MAX_VALUE),
                        settings.whole(Setting.HTTP_CONNECTIONS),
                        proxies::trusts,
                        tls),
                manifest.methods(),
                admission,
                telemetry,
                refusals,
                budget));
        var web = parts.keep(new WebServer(web(settings), manifest, admission, telemetry, refusals, budget));
        String grpcAddress = host + ":" + grpc.start().port();
        return new Listeners(
                (tls.isPresent() ? "https://" : "http://") + host + ":"
                        + web.start().port(),
                grpcAddress);
    }

    /** How HTTP is to be listened for. */
    static WebServer.Settings web(Settings settings) {
        String host = settings.text(Setting.HTTP_HOST);
        return new WebServer.Settings(
                host,
                settings.whole(Setting.HTTP_PORT),
                new AllowedHosts(
                        settings.list(Setting.HTTP_ALLOWED_HOSTS),
                        settings.list(Setting.HTTP_ALLOWED_ORIGINS),
                        isLoopback(settings),
                        host),
                settings.megabytes(Setting.HTTP_MAX_BODY),
                settings.whole(Setting.HTTP_LEAST_RATE),
                settings.whole(Setting.HTTP_CONNECTIONS),
                TrustedProxies.of(settings.list(Setting.HTTP_TRUSTED_PROXIES)),
                tls(settings));
    }

    static boolean isLoopback(Settings settings) {
        String host = settings.text(Setting.HTTP_HOST);
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            throw TidemillException.invalid("host", "'" + host + "' is not an address of this machine");
        }
    }

    /** Tells others on this machine where the process is. */
    void announce(Path directory) {
        try {
            Path aside = directory.resolve("server.json.new");
            Files.writeString(
                    aside,
                    "{\"url\":\"" + url + "\",\"grpc\":\"" + grpc + "\",\"pid\":"
                            + ProcessHandle.current().pid() + "}\n");
            Files.move(aside, directory.resolve("server.json"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
