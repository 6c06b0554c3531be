package dev.tidemill.platform.auth;

import dev.tidemill.platform.errors.TidemillException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A server's certificate and private key, both as PEM files.
 *
 * @param certificate the certificate, followed by those that vouch for it
 * @param key the private key in PKCS #8, without a passphrase
 */
public record TlsFiles(Path certificate, Path key) {
    private static final Pattern KEY_FORM =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
    private static final List<String> ALGORITHMS = List.of("RSA", "EC", "Ed25519");

    /**
     * The files that two settings name; empty if neither does.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if only one of them is given
     */
    public static Optional<TlsFiles> of(Optional<String> certificate, Optional<String> key) {
        if (certificate.isPresent() != key.isPresent()) {
            throw TidemillException.invalid(
                    certificate.isPresent() ? "tls.key" : "tls.certificate",
                    "TLS needs both a certificate and a key; only one of them is given");
        }
        return certificate.flatMap(file -> key.map(secret -> new TlsFiles(Path.of(file), Path.of(secret))));
    }

    /** Password of a {@link #keyStore}, which lives in memory only. */
    public static final String PASSWORD = "in-memory";

    /**
     * Both files as one key store.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the file that cannot be read or used
     */
    public KeyStore keyStore() {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("server", privateKey(), PASSWORD.toCharArray(), certificates());
            return store;
        } catch (GeneralSecurityException | IOException e) {
            throw TidemillException.invalid(
                            "tls.key",
                            "The key " + key + " does not fit the certificate " + certificate + ": " + e.getMessage())
                    .causedBy(e);
        }
    }

    private Certificate[] certificates() {
        try {
            return CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(certificate)))
                    .toArray(Certificate[]::new);
        } catch (GeneralSecurityException | IOException e) {
            throw TidemillException.invalid(
                            "tls.certificate", "The certificate " + certificate + " cannot be read: " + e.getMessage())
                    .causedBy(e);
        }
    }

    private PrivateKey privateKey() {
        String text;
        try {
            text = Files.readString(key, StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw TidemillException.invalid("tls.key", "The key " + key + " cannot be read: " + e.getMessage())
                    .causedBy(e);
        }
        var matcher = KEY_FORM.matcher(text);
        if (!matcher.find()) {
            throw TidemillException.invalid("tls.key", "The key " + key + " is not a PKCS #8 key without passphrase")
                    .remedy("Convert it: openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW");
        }
        var encoded = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(matcher.group(1)));
        for (String algorithm : ALGORITHMS) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
            } catch (GeneralSecurityException e) {
                // the next algorithm may fit
            }
        }
        throw TidemillException.invalid("tls.key", "The key " + key + " is none of " + ALGORITHMS);
    }
}
