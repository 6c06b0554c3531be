package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Links to one file that need no credentials and expire: HMAC-SHA256 over what they permit. Thread-safe. */
public final class SignedLinks {
    private static final String KEY = "links";
    private static final Duration LONGEST = Duration.ofDays(7);

    private final UploadStore keys;
    private final Clock clock;

    public SignedLinks(UploadStore keys, Clock clock) {
        this.keys = keys;
        this.clock = clock;
    }

    /**
     * A right to use a path once or often, until it expires.
     *
     * @param method {@code GET} or {@code PUT}
     * @param expires seconds since the epoch
     */
    public record Link(String method, String project, String path, long expires, String signature) {
        /** Path and name of the link below the server's own address. */
        public String location() {
            String encoded = URLEncoder.encode(path, StandardCharsets.UTF_8)
                    .replace("+", "%20")
                    .replace("%2F", "/");
            return "/api/tidemill/v1/transfers/" + project + "/" + expires + "/" + signature + "/" + encoded;
        }
    }

    public Link sign(String method, String project, String path, Duration validity) {
        if (validity.isNegative() || validity.isZero() || validity.compareTo(LONGEST) > 0) {
            throw TidemillException.invalid(
                    "expiration", "A link is valid for 1 second to 7 days, not for " + validity.toSeconds() + " s");
        }
        long expires = clock.instant().plus(validity).getEpochSecond();
        return new Link(method, project, path, expires, signature(method, project, path, expires));
    }

    /** @throws TidemillException {@code PERMISSION_DENIED} for a link that we have not signed, or that is too old */
    public void verify(Link link) {
        byte[] own = signature(link.method(), link.project(), link.path(), link.expires())
                .getBytes(StandardCharsets.UTF_8);
        boolean same = MessageDigest.isEqual(own, link.signature().getBytes(StandardCharsets.UTF_8));
        if (!same || clock.instant().isAfter(Instant.ofEpochSecond(link.expires()))) {
            throw new TidemillException(
                    ErrorCode.PERMISSION_DENIED, same ? "The link has expired" : "The link's signature is not valid");
        }
    }

    private String signature(String method, String project, String path, long expires) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(keys.secret(KEY).getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            String text = method + "\n" + project + "\n" + expires + "\n" + path;
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError("every JDK has HmacSHA256", impossible);
        }
    }
}
