package dev.tidemill.inference.onnx;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.util.List;
import java.util.Map;

/**
 * What the texts of a graph take outside of the allocator that {@link OnnxMemory} bounds, as {@link GraphTexts} has judged it: the
 * place of a text in its tensor is within that allocator, its characters are not, unless they fit that place.
 *
 * @param bounds by the place of a node in the outermost graph: what it gives of labels, which its number of values is bounded by
 * @param labelled how many nodes give labels whose characters lie outside, each of which has the same share
 * @param longest bytes of the longest label; -1 if there is none
 * @param tokenized how many copies of one text an operator may take apart into words; 0 if none does
 * @param copies by the name of an input: how many copies of each of its texts there may be at a time, its own aside
 * @param held bytes of all copies of the long texts that the graph itself holds
 */
record TextPlan(
        Map<Integer, Bound> bounds, int labelled, int longest, int tokenized, Map<String, Integer> copies, long held) {
    /** Of a graph without texts. */
    static final TextPlan NONE = new TextPlan(Map.of(), 0, -1, 0, Map.of(), 0);

    /** Bytes of a text that fit its place in a tensor. */
    static final int INLINE = 15;
    /** What a text's place takes in its tensor. */
    private static final int PLACE = 32;
    /** Bytes that a word of one letter takes while a text is taken apart, by estimate. */
    private static final int WORD = 64;
    /** What an answer's text takes in the list that it is copied to, beside its characters. */
    private static final int COPIED = 9;

    /** How many texts a node gives. */
    enum Count {
        /** As many as its first input has values. */
        VALUES,
        /** As many as its first input has rows. */
        ROWS,
        /** As many as its second input has values. */
        INDICES,
        /** For each value of its second input as many as its first has beside one dimension. */
        PICKED,
        /** As many as its three inputs have together once each is as large as the others. */
        BROADCAST,
        /** The texts of several inputs. */
        JOINED
    }

    /**
     * A node's bound.
     *
     * @param bytes what one text takes outside
     * @param axis the dimension of {@link Count#PICKED}
     * @param inputs the places of those inputs that {@link Count#JOINED} counts
     */
    record Bound(Count count, long bytes, long axis, int[] inputs) {}

    /** Bytes of a text's characters outside of its tensor, as malloc rounds them. */
    static long outside(long length) {
        return length <= INLINE ? 0 : length + 1 + 8 + 15 & ~15L;
    }

    /** Bytes that a label takes outside once it is made, and once more when it is answered; 0 for a short one. */
    static long outsideOfLabel(int length) {
        return length <= INLINE ? 0 : outside(length) + length + COPIED;
    }

    /** How many times as much as its tensor a label takes. */
    long timesOfTensor() {
        return 1 + (outside(longest) + PLACE - 1) / PLACE;
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} if copies of long texts that the graph holds are more than a run may take */
    void requireRoom() {
        if (held > OutsideMemory.mostOfRun()) {
            throw TidemillException.invalid(
                    "model",
                    "it makes copies of texts of its own, of " + held + " bytes together; a run may take at most "
                            + OutsideMemory.mostOfRun());
        }
    }

    /**
     * Bytes that copies of a request's texts take outside of their tensors in a run, with those that the graph holds.
     *
     * @param given the model's inputs
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is more than a run may take
     */
    long outside(List<Tensor> given) {
        long letters = 0;
        long copied = held;
        for (Tensor tensor : given) {
            long outside = 0;
            for (int i = 0; tensor.datatype() == Datatype.BYTES && i < tensor.size(); i++) {
                int length = tensor.bytes(i).length;
                letters += length;
                outside += outside(length);
            }
            copied += outside * (1L + copies.getOrDefault(tensor.name(), 0));
        }
        long most = OutsideMemory.mostOfRun();
        long words = letters * WORD * tokenized;
        if (words > most) {
            throw TidemillException.invalid(
                            "inputs",
                            "The model takes texts apart into words, of " + letters
                                    + " bytes of them more than the memory of this server allows it ("
                                    + mostLetters() + ")")
                    .remedy("Ask for fewer rows at a time");
        }
        if (copied > most) {
            throw TidemillException.invalid(
                            "inputs",
                            "The model makes copies of texts, which would take " + copied
                                    + " bytes of this server's memory; a call may take " + most)
                    .remedy("Ask for fewer rows at a time");
        }
        return copied + words;
    }

    /** Bytes of texts that are taken apart into words at a time, if any are. */
    long mostLetters() {
        return tokenized == 0 ? Long.MAX_VALUE : OutsideMemory.mostOfRun() / WORD / tokenized;
    }
}
