package dev.tidemill.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Which servers' certificates a command believes: Java's own list, or those that a PEM file vouches for. */
final class ServerTrust {
    private ServerTrust() {}

    /** A client that believes the authorities of {@code file} and no other; without a file, those that Java knows. */
    static HttpClient.Builder client(Optional<String> file) {
        var client = HttpClient.newBuilder();
        file.map(Path::of).map(ServerTrust::context).ifPresent(client::sslContext);
        return client;
    }

    private static SSLContext context(Path file) {
        try (InputStream content = Files.newInputStream(file)) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            int number = 0;
            for (Certificate certificate :
                    CertificateFactory.getInstance("X.509").generateCertificates(content)) {
                store.setCertificateEntry("authority-" + number++, certificate);
            }
            if (number == 0) {
                throw new CliException(Exit.USAGE, file + " has no certificate; it has to be a PEM file");
            }
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw new CliException(Exit.USAGE, "The certificates in " + file + " cannot be read: " + e.getMessage());
        }
    }
}
