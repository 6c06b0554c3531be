package dev.tidemill.platform.modules;

/**
 * A column that holds digests of blobs.
 *
 * @param holds what a value is
 */
public record DigestColumn(String table, String column, Holds holds) {
    /** What a value is. */
    public enum Holds {
        /** The digest of a blob; the column is indexed. */
        BLOB,
        /** The digest of a blob that lists the files of a folder, which are blobs as well. */
        FOLDER,
        /** A text that contains digests of blobs or of folders. */
        TEXT,
        /** The digest of a blob that may be read by somebody, which keeps it from nothing. */
        READER,
        /** The digest of a blob that was let go of: it may be gone already, and the row soon. */
        RELEASED
    }

    public static DigestColumn blob(String table, String column) {
        return new DigestColumn(table, column, Holds.BLOB);
    }

    public static DigestColumn folder(String table, String column) {
        return new DigestColumn(table, column, Holds.FOLDER);
    }

    public static DigestColumn text(String table, String column) {
        return new DigestColumn(table, column, Holds.TEXT);
    }

    public static DigestColumn reader(String table, String column) {
        return new DigestColumn(table, column, Holds.READER);
    }

    public static DigestColumn released(String table, String column) {
        return new DigestColumn(table, column, Holds.RELEASED);
    }
}
