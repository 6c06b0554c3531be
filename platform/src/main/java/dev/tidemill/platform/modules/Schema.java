package dev.tidemill.platform.modules;

import java.util.List;

/**
 * Tables of one domain, known before anything of it is built.
 *
 * @param name of the folder of its migrations below {@code db/}
 * @param digests every column that holds digests of blobs; a blob that none of them holds is deleted
 */
public record Schema(String name, List<DigestColumn> digests) {
    public Schema {
        digests = List.copyOf(digests);
    }

    public static Schema of(String name, DigestColumn... digests) {
        return new Schema(name, List.of(digests));
    }
}
