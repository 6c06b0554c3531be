package dev.tidemill.trees;

/**
 * Holds what a model's file declares of its sizes against the file itself, before anything of that size is made: reading a file costs
 * no more than a small multiple of its length. Not thread-safe: one for each reading.
 */
final class DeclaredSizes {
    /** Most inputs of a model whose file does not name them. */
    private static final int MOST_FEATURES = 1_000_000;
    /** So many outputs need no trees that add to them. */
    private static final int FEW_OUTPUTS = 1_000;
    /** The highest number of a category. */
    private static final int MOST_CATEGORY = 1 << 24;

    private static final long FEW_NUMBERS = 65_536;

    private final long length;
    private long numbers;

    /** @param length of the file, in bytes */
    DeclaredSizes(long length) {
        this.length = length;
    }

    /** A number of inputs, of a model whose file need not name them. */
    int features(long declared) {
        if (declared < 1 || declared > Math.max(MOST_FEATURES, length)) {
            throw new UnsupportedModelException("it says that it takes " + declared + " inputs");
        }
        return (int) declared;
    }

    /** A number of inputs, each of which the file names. */
    int namedFeatures(long declared) {
        if (declared < 1 || declared > length) {
            throw new UnsupportedModelException(
                    "it says that it takes " + declared + " inputs, and its file has " + length + " bytes");
        }
        return (int) declared;
    }

    /** A number of outputs, to each of which a tree adds unless they are few. */
    int outputs(long declared, int trees) {
        if (declared < 1 || declared > Math.max(FEW_OUTPUTS, trees)) {
            throw new UnsupportedModelException(
                    "it says that it gives " + declared + " outputs, and has " + trees + " trees");
        }
        return (int) declared;
    }

    /** The number of a category. */
    int category(long declared) {
        if (declared < 0 || declared > MOST_CATEGORY) {
            throw new UnsupportedModelException("it has a category numbered " + declared);
        }
        return (int) declared;
    }

    /** Takes note of so many numbers of 64 bits that are about to be kept, beside those noted before. */
    void keep(long count) {
        numbers += count;
        if (numbers > Math.max(FEW_NUMBERS, 4 * length)) {
            throw new UnsupportedModelException("its file of " + length + " bytes stands for more than " + 8 * numbers
                    + " bytes of categories and leaves");
        }
    }
}
