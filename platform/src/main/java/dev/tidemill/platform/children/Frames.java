package dev.tidemill.platform.children;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Messages between server and child: a four-byte length, then that many bytes of UTF-8 text. */
final class Frames {
    private static final int LARGEST = 256 * 1024 * 1024;

    private Frames() {}

    static void write(DataOutputStream out, String message) throws IOException {
        byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
        out.flush();
    }

    static String read(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > LARGEST) {
            throw new IOException("a frame of " + length + " bytes is not ours");
        }
        return new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }
}
