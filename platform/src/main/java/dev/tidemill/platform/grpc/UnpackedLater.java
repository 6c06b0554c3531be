package dev.tidemill.platform.grpc;

import io.grpc.Decompressor;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/**
 * Unpacks gzip once somebody reads it: what is wrong with it is found where the call can be answered, and not on the thread that serves
 * all connections.
 */
final class UnpackedLater implements Decompressor {
    @Override
    public String getMessageEncoding() {
        return "gzip";
    }

    @Override
    public InputStream decompress(InputStream packed) {
        return new Unpacked(packed);
    }

    private static final class Unpacked extends FilterInputStream {
        private boolean begun;

        private Unpacked(InputStream packed) {
            super(packed);
        }

        private InputStream begun() throws IOException {
            if (!begun) {
                in = new GZIPInputStream(in);
                begun = true;
            }
            return in;
        }

        @Override
        public int read() throws IOException {
            return begun().read();
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            return begun().read(target, offset, length);
        }

        @Override
        public long skip(long bytes) throws IOException {
            return begun().skip(bytes);
        }

        @Override
        public int available() throws IOException {
            return begun().available();
        }

        @Override
        public boolean markSupported() {
            return false;
        }
    }
}
