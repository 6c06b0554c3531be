package dev.tidemill.platform.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Texts of any alphabet in headers. Clients write them in UTF-8; the web server reads and writes one character for each byte
 * (RFC 9110, section 5.5, leaves the meaning of these bytes open).
 */
public final class HeaderText {
    private HeaderText() {}

    /** What a client has written; the characters themselves where they are no UTF-8. */
    public static String read(String header) {
        if (header.chars().allMatch(one -> one < 0x80) || header.chars().anyMatch(one -> one > 0xff)) {
            return header;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(header.getBytes(StandardCharsets.ISO_8859_1)))
                    .toString();
        } catch (CharacterCodingException e) {
            return header;
        }
    }

    /** A text as a header carries it. */
    public static String written(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }
}
