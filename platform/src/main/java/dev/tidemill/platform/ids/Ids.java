package dev.tidemill.platform.ids;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/** Makes sortable identifiers (UUID version 7, RFC 9562) and content digests. Thread-safe. */
public final class Ids {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final AtomicLong LAST = new AtomicLong();
    private static final long SEED = RANDOM.nextLong();
    /** Odd, and near 2^64 divided by the golden ratio. */
    private static final long STRIDE = 0x9E3779B97F4A7C15L;

    private Ids() {}

    /**
     * A new UUIDv7 in its usual text form; ids made by one process sort in the order of their making. No secret: who sees one can
     * guess the next. Processes differ by a seed from the system's randomness, which is asked once, since it is slow and one at
     * a time.
     */
    public static String next() {
        // 48 bits of milliseconds and 12 bits of a counter, kept strictly rising across threads.
        long now = System.currentTimeMillis() << 12;
        long stamp = LAST.updateAndGet(last -> Math.max(last + 1, now));
        long high = ((stamp >>> 12) << 16) | 0x7000L | (stamp & 0xFFFL);
        long low = (mixed(SEED + stamp * STRIDE) & 0x3FFFFFFFFFFFFFFFL) | 0x8000000000000000L;
        return new UUID(high, low).toString();
    }

    /** Stafford's variant 13 of the finalizer of MurmurHash3, as SplittableRandom has it (Steele, Lea and Flood, 2014). */
    private static long mixed(long value) {
        long once = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        long twice = (once ^ (once >>> 27)) * 0x94D049BB133111EBL;
        return twice ^ (twice >>> 31);
    }

    /** A random secret of 256 bits, as 64 lower-case hexadecimal digits. */
    public static String secret() {
        byte[] bytes = new byte[32];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** SHA-256 of the text's UTF-8 form, as 64 lower-case hexadecimal digits. */
    public static String sha256(String text) {
        return sha256(text.getBytes(StandardCharsets.UTF_8));
    }

    public static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(sha256Digest().digest(bytes));
    }

    /** A fresh SHA-256 digest. */
    public static MessageDigest sha256Digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every JDK has SHA-256", impossible);
        }
    }
}
