package dev.tidemill.identity.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** Passwords, kept as PBKDF2-HMAC-SHA256 with a salt each and the iterations OWASP advises (2023). */
final class Passwords {
    private static final int SHORTEST = 12;
    private static final int ITERATIONS = 600_000;
    private static final int BITS = 256;
    private static final SecureRandom RANDOM = new SecureRandom();

    private Passwords() {}

    static String requireStrong(String password) {
        if (password.length() < SHORTEST || password.length() > 256) {
            throw TidemillException.invalid("password", "A password has " + SHORTEST + " to 256 characters");
        }
        if (password.chars().distinct().count() < 5) {
            throw TidemillException.invalid("password", "The password repeats too few characters");
        }
        return password;
    }

    static String hash(String password) {
        byte[] salt = new byte[16];
        RANDOM.nextBytes(salt);
        return ITERATIONS + ":" + HexFormat.of().formatHex(salt) + ":"
                + HexFormat.of().formatHex(derive(password, salt, ITERATIONS));
    }

    /** Compares in constant time. */
    static boolean matches(String password, String stored) {
        String[] parts = stored.split(":");
        byte[] expected = HexFormat.of().parseHex(parts[2]);
        byte[] actual = derive(password, HexFormat.of().parseHex(parts[1]), Integer.parseInt(parts[0]));
        return MessageDigest.isEqual(expected, actual);
    }

    private static byte[] derive(String password, byte[] salt, int iterations) {
        try {
            var key = new PBEKeySpec(password.toCharArray(), salt, iterations, BITS);
            return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(key)
                    .getEncoded();
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError("every JDK has PBKDF2WithHmacSHA256", impossible);
        }
    }
}
