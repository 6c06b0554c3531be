package dev.tidemill.platform.json;

/**
 * Estimates how much memory JSON takes once it is parsed, from its bytes alone. {@code [[],[]]} takes thirty times its
 * length and one long string twice, so that the length alone says nothing. Brackets and commas inside of strings are counted
 * too: the estimate is rather too high.
 */
public final class JsonWeight {
    /** An object node and its empty map. */
    private static final int OBJECT = 80;
    /** A list node with the first places of its list. */
    private static final int LIST = 104;
    /** An entry of a map, its share of the table, its name and the name's place in the search for duplicates. */
    private static final int ENTRY = 144;
    /** A number node and its place in a list that grows by half. */
    private static final int ELEMENT = 36;
    /** Bytes of text are held as they came and as strings. */
    private static final int TEXT = 2;

    private JsonWeight() {}

    /** Bytes on the heap that the first {@code length} bytes of a body parse to. */
    public static long of(byte[] body, int length) {
        long objects = 0;
        long lists = 0;
        long entries = 0;
        long elements = 0;
        for (int i = 0; i < length; i++) {
            switch (body[i]) {
                case '{' -> objects++;
                case '[' -> lists++;
                case ':' -> entries++;
                case ',' -> elements++;
                default -> {
                    // a part of a value
                }
            }
        }
        return (long) TEXT * length + OBJECT * objects + LIST * lists + ENTRY * entries + ELEMENT * elements;
    }
}
