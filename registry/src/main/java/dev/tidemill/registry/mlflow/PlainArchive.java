package dev.tidemill.registry.mlflow;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * Checks that a ZIP file is read alike from its beginning and from its end. Python finds the entries in the directory at the end,
 * Java's stream at the beginning; a file made for it shows each of them other contents. Such a file is no plain archive: entries
 * must follow each other without gaps from the first byte, the directory must list exactly those, and nothing may come after it
 * (PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16).
 */
final class PlainArchive {
    private static final int END = 22;
    private static final int MOST_ENTRIES = 100_000;
    private static final int LARGEST_DIRECTORY = 64 * 1024 * 1024;

    private PlainArchive() {}

    /** Why it is none; throws nothing else for whatever bytes a file holds. */
    static void require(Path file) throws IOException {
        try (var content = new RandomAccessFile(file.toFile(), "r")) {
            check(content);
        }
    }

    private static void check(RandomAccessFile file) throws IOException {
        long length = file.length();
        must(length >= END, "it is too short");
        ByteBuffer end = read(file, length - END, END);
        must(end.getInt(0) == 0x06054b50 && end.getShort(20) == 0, "its directory does not end the file");
        int count = Short.toUnsignedInt(end.getShort(10));
        long size = Integer.toUnsignedLong(end.getInt(12));
        long start = Integer.toUnsignedLong(end.getInt(16));
        long directoryEnd = length - END;
        must(count != 0xffff && size != 0xffffffffL && start != 0xffffffffL, "its directory has the large form");
        must(end.getInt(4) == 0 && count == Short.toUnsignedInt(end.getShort(8)), "it has several parts");
        must(count <= MOST_ENTRIES && size <= LARGEST_DIRECTORY, "it has too many entries");
        must(start + size == directoryEnd, "something lies between its directory and its end");
        ByteBuffer directory = read(file, start, (int) size);
        Set<String> names = new HashSet<>();
        long expected = 0;
        for (int i = 0; i < count; i++) {
            must(
                    directory.remaining() >= 46 && directory.getInt(directory.position()) == 0x02014b50,
                    "its directory is broken");
            int at = directory.position();
            int flags = directory.getShort(at + 8);
            int method = directory.getShort(at + 10);
            long compressed = Integer.toUnsignedLong(directory.getInt(at + 20));
            int nameLength = Short.toUnsignedInt(directory.getShort(at + 28));
            int rest =
                    Short.toUnsignedInt(directory.getShort(at + 30)) + Short.toUnsignedInt(directory.getShort(at + 32));
            long header = Integer.toUnsignedLong(directory.getInt(at + 42));
            must(directory.remaining() >= 46 + nameLength + rest, "its directory is broken");
            String name = new String(directory.array(), at + 46, nameLength, StandardCharsets.ISO_8859_1);
            directory.position(at + 46 + nameLength + rest);
            must((flags & ~0x0806) == 0 && (method == 0 || method == 8), "it is encrypted or packed in an unusual way");
            must(names.add(name) && name.indexOf('\0') < 0, "a name is there twice");
            must(header == expected, "an entry is not where the one before ends");
            expected = entryEnd(file, header, name, flags, method, compressed);
        }
        must(!directory.hasRemaining() && expected == start, "something lies between its entries and its directory");
    }

    /** Where an entry ends whose own header says the same as the directory. */
    private static long entryEnd(
            RandomAccessFile file, long header, String name, int flags, int method, long compressed)
            throws IOException {
        ByteBuffer local = read(file, header, 30);
        int nameLength = Short.toUnsignedInt(local.getShort(26));
        int extra = Short.toUnsignedInt(local.getShort(28));
        must(local.getInt(0) == 0x04034b50, "an entry has no header");
        must(local.getShort(6) == flags && local.getShort(8) == method, "an entry's header differs from the directory");
        must(Integer.toUnsignedLong(local.getInt(18)) == compressed, "an entry's header differs from the directory");
        must(
                name.equals(new String(read(file, header + 30, nameLength).array(), StandardCharsets.ISO_8859_1)),
                "an entry's name differs from the directory");
        return header + 30 + nameLength + extra + compressed;
    }

    private static ByteBuffer read(RandomAccessFile file, long at, int length) throws IOException {
        must(at >= 0 && at + length <= file.length(), "it ends too early");
        byte[] bytes = new byte[length];
        file.seek(at);
        file.readFully(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void must(boolean holds, String otherwise) throws IOException {
        if (!holds) {
            throw new IOException("no plain archive: " + otherwise);
        }
    }
}
