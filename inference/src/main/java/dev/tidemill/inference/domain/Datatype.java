package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;

/** The Open Inference Protocol's datatypes. */
public enum Datatype {
    BOOL(1, Storage.WHOLE),
    UINT8(1, Storage.WHOLE),
    UINT16(2, Storage.WHOLE),
    UINT32(4, Storage.WHOLE),
    UINT64(8, Storage.WHOLE),
    INT8(1, Storage.WHOLE),
    INT16(2, Storage.WHOLE),
    INT32(4, Storage.WHOLE),
    INT64(8, Storage.WHOLE),
    FP16(2, Storage.NUMBER),
    BF16(2, Storage.NUMBER),
    FP32(4, Storage.NUMBER),
    FP64(8, Storage.NUMBER),
    BYTES(0, Storage.BYTES);

    /** How values are held in memory. */
    public enum Storage {
        /** As {@code double}, which holds every floating-point datatype exactly. */
        NUMBER,
        /** As {@code long}; 0 and 1 for {@code BOOL}, the same bits for {@code UINT64}. */
        WHOLE,
        /** As arrays of bytes, of any length each. */
        BYTES
    }

    private final int width;
    private final Storage storage;

    Datatype(int width, Storage storage) {
        this.width = width;
        this.storage = storage;
    }

    /** Bytes of one value in the binary form; 0 where each has a length of its own. */
    public int width() {
        return width;
    }

    public Storage storage() {
        return storage;
    }

    /** Whether the JSON and typed forms have no place for it, so that it travels in binary form only. */
    public boolean onlyBinary() {
        return this == FP16 || this == BF16;
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} naming the tensor, for a name that is no datatype */
    public static Datatype of(String tensor, String name) {
        for (Datatype datatype : values()) {
            if (datatype.name().equals(name)) {
                return datatype;
            }
        }
        throw TidemillException.invalid("datatype", "'" + name + "' of tensor '" + tensor + "' is not a datatype");
    }
}
