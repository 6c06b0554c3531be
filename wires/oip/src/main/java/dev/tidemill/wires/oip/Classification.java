package dev.tidemill.wires.oip;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Triton's classification extension: of each row the best few values, best first, as texts {@code value:index}, or {@code
 * value:index:label} where the model names its classes.
 */
final class Classification {
    private Classification() {}

    /**
     * An output as classes.
     *
     * @param count how many of each row; all of them if there are fewer
     * @param labels names of the values, in order; used if there are as many
     */
    static Tensor of(Tensor output, int count, List<String> labels) {
        if (output.datatype() == Datatype.BYTES) {
            throw TidemillException.invalid(
                    "classification", "Output '" + output.name() + "' is BYTES; only numbers can be classified");
        }
        int width = output.width();
        int kept = Math.min(count, width);
        int rows = output.rows();
        byte[][] texts = new byte[rows * kept][];
        for (int row = 0; row < rows; row++) {
            int first = row * width;
            List<Integer> best = IntStream.range(0, width)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer i) -> rank(output.number(first + i))))
                    .limit(kept)
                    .toList();
            for (int i = 0; i < kept; i++) {
                int index = best.get(i);
                String label = labels.size() == width ? ":" + labels.get(index) : "";
                texts[row * kept + i] =
                        (number(output, first + index) + ":" + index + label).getBytes(StandardCharsets.UTF_8);
            }
        }
        return Tensor.texts(output.name(), new long[] {rows, kept}, texts);
    }

    /** Rises as a value falls; what is not a number comes last. */
    private static double rank(double value) {
        return Double.isNaN(value) ? Double.POSITIVE_INFINITY : -value;
    }

    private static String number(Tensor output, int index) {
        return output.datatype().storage() == Datatype.Storage.NUMBER
                ? String.format(Locale.ROOT, "%f", output.number(index))
                : String.valueOf(output.value(index));
    }
}
