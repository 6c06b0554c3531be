package dev.tidemill.platform.secrets;

import dev.tidemill.platform.config.DurableFile;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encrypts secrets that must be had back in the clear, such as those that sign webhooks, by AES-256 in Galois/Counter Mode with
 * a random nonce of 12 bytes each. Who has the database alone cannot read them. Thread-safe.
 */
public final class SecretCipher {
    private static final Logger LOG = LoggerFactory.getLogger(SecretCipher.class);

    private static final String PREFIX = "aes:";
    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final SecretKeySpec key;

    private SecretCipher(byte[] key) {
        this.key = new SecretKeySpec(key, "AES");
    }

    /**
     * The server's key: what the operator set, else that of a file, which only its owner may read and which is made where it is
     * missing or empty.
     *
     * @param configured Base64 of 32 bytes
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is anything else
     */
    public static SecretCipher of(Optional<String> configured, Path file) {
        return new SecretCipher(
                configured.map(text -> decoded("secrets.key", text)).orElseGet(() -> fromFile(file)));
    }

    private static byte[] decoded(String field, String text) {
        try {
            byte[] key = Base64.getDecoder().decode(text.strip());
            if (key.length == KEY_BYTES) {
                return key;
            }
        } catch (IllegalArgumentException e) {
            // refused below, without the value
        }
        throw TidemillException.invalid(field, field + " is not the Base64 of 32 bytes")
                .remedy("Make one with 'openssl rand -base64 32'");
    }

    private static byte[] fromFile(Path file) {
        try {
            Optional<String> there = DurableFile.read(file);
            if (there.isEmpty()) {
                if (Files.exists(file)) {
                    LOG.warn(
                            "{} is empty, so a new key is made; secrets that were kept with the former one cannot be read",
                            file);
                }
                byte[] key = new byte[KEY_BYTES];
                RANDOM.nextBytes(key);
                DurableFile.write(file, Base64.getEncoder().encodeToString(key) + "\n");
                return key;
            }
            return decoded(file.toString(), there.get());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String encrypt(String secret) {
        byte[] nonce = new byte[NONCE_BYTES];
        RANDOM.nextBytes(nonce);
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
            byte[] sealed = cipher.doFinal(secret.getBytes(StandardCharsets.UTF_8));
            byte[] stored = new byte[NONCE_BYTES + sealed.length];
            System.arraycopy(nonce, 0, stored, 0, NONCE_BYTES);
            System.arraycopy(sealed, 0, stored, NONCE_BYTES, sealed.length);
            return PREFIX + Base64.getEncoder().encodeToString(stored);
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError("every JDK has AES/GCM", impossible);
        }
    }

    /** The secret in the clear; empty if it was encrypted with another key, or is no secret that was encrypted here. */
    public Optional<String> find(String stored) {
        if (!stored.startsWith(PREFIX)) {
            return Optional.empty();
        }
        try {
            byte[] bytes = Base64.getDecoder().decode(stored.substring(PREFIX.length()));
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, bytes, 0, NONCE_BYTES));
            return Optional.of(
                    new String(cipher.doFinal(bytes, NONCE_BYTES, bytes.length - NONCE_BYTES), StandardCharsets.UTF_8));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
