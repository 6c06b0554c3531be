package dev.tidemill.inference.onnx;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorRows;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;

/**
 * Holds a graph that {@link RowAnalysis} knows to be row by row against this machine: which kernels multiply matrices depends on the
 * processor, and some sum in another order for one row than for several. Rows of chance values, among them infinities and what is no
 * number, are answered together, by themselves and in parts; every bit must be the same. Every other row has large and small values
 * mixed, whose sums are inexact even as whole numbers. Where one row alone differs, and two together
 * do not, single rows are to be computed twice over.
 */
final class RowTrial {
    private static final int LARGE = 256;
    private static final int SMALL = 16;
    private static final long MOST_VALUES = 1_000_000;
    /** What is added to the time of a load by all trials, but for the first call and the one that goes on when it is over. */
    private static final long BUDGET = TimeUnit.SECONDS.toNanos(1);

    private static final long QUICK = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long SLOW = TimeUnit.MILLISECONDS.toNanos(250);
    private static final int FEW_PLACES = 4;
    /** Large values are up to two to this power, which floats of 24 bits do not add exactly. */
    private static final int WIDE_BITS = 31;

    private static final int[] PARTS = {3, 4, 5, 8, 13, 16, 31, 64, 127};

    /**
     * What was found.
     *
     * @param least fewest rows of a call that give the same bits as many; 0 if no number does
     * @param most rows that were tried together
     * @param reason why no number does; empty if one does
     */
    record Verdict(int least, int most, String reason) {}

    private final UnaryOperator<List<Tensor>> model;
    private final List<TensorSpec> specs;
    private final LongSupplier nanos;
    private final Random chance = new Random(9);
    private final Set<String> wide = new HashSet<>();
    private long until;

    private RowTrial(UnaryOperator<List<Tensor>> model, List<TensorSpec> specs, LongSupplier nanos) {
        this.model = model;
        this.specs = specs;
        this.nanos = nanos;
    }

    /**
     * Tries a model.
     *
     * @param model which is called for a result, as often as needed
     * @param specs its inputs, of which only the first dimensions are open
     */
    static Verdict of(UnaryOperator<List<Tensor>> model, List<TensorSpec> specs) {
        return of(model, specs, System::nanoTime);
    }

    /** @param nanos tells the time, as {@link System#nanoTime} does */
    static Verdict of(UnaryOperator<List<Tensor>> model, List<TensorSpec> specs, LongSupplier nanos) {
        try {
            return new RowTrial(model, specs, nanos).tried();
        } catch (TidemillException e) {
            if (e.code() != ErrorCode.INVALID_ARGUMENT) {
                throw e;
            }
            return new Verdict(0, 0, "it refuses the rows that it was tried with: " + e.getMessage());
        }
    }

    private Verdict tried() {
        long width = specs.stream().mapToLong(RowTrial::width).reduce(0, RowTrial::sum);
        if (width > MOST_VALUES / SMALL) {
            return new Verdict(0, 0, "a row has more values than are tried: " + width);
        }
        findWide();
        List<Tensor> few = rows(SMALL);
        List<Tensor> cold = model.apply(few);
        long started = nanos.getAsLong();
        until = started + BUDGET;
        List<Tensor> warm = model.apply(few);
        long took = nanos.getAsLong() - started;
        if (cold.size() != warm.size() || took > SLOW) {
            return slow();
        }
        int most = took < QUICK && LARGE * width <= MOST_VALUES ? LARGE : SMALL;
        List<Tensor> given = most == SMALL ? few : rows(most);
        List<Tensor> together = model.apply(given);
        if (together.stream().anyMatch(output -> !output.hasRows(most))) {
            return new Verdict(0, 0, "it answers " + most + " rows with another number");
        }
        Found alone = compare(given, together, most, 1);
        Found two = alone == Found.DIFFERENT ? compare(given, together, most, 2) : alone;
        if (two != Found.SAME) {
            return two == Found.DIFFERENT ? differs(2) : slow();
        }
        int least = alone == Found.SAME ? 1 : 2;
        int tried = least;
        for (int part : PARTS) {
            if (part < most) {
                Found found = compare(given, together, most, part);
                if (found == Found.DIFFERENT) {
                    return differs(part);
                }
                if (found == Found.NOT_TRIED) {
                    // What is not joined beyond what was tried is as good as tried in full.
                    return tried > 2 ? new Verdict(least, tried, "") : slow();
                }
                tried = part;
            }
        }
        return new Verdict(least, most, "");
    }

    private static Verdict slow() {
        return new Verdict(0, 0, "a call takes so long that there is little to gain");
    }

    private static Verdict differs(int part) {
        return new Verdict(
                0, 0, "on this machine the last bits of an answer to " + part + " rows depend on those beside them");
    }

    private enum Found {
        SAME,
        DIFFERENT,
        /** The time was over. */
        NOT_TRIED
    }

    /** Whether some rows by themselves, from the first, the last and some between, get the bits that they get among all. */
    private Found compare(List<Tensor> given, List<Tensor> together, int rows, int part) {
        int places = part <= 2 ? SMALL : FEW_PLACES;
        for (int i = 0; i <= places; i++) {
            if (nanos.getAsLong() - until >= 0) {
                return Found.NOT_TRIED;
            }
            int from = i == places ? rows - part : Math.min(i, rows - part);
            List<Tensor> some = given.stream()
                    .map(tensor -> TensorRows.of(tensor, from, from + part))
                    .toList();
            List<Tensor> alone = model.apply(some);
            for (int output = 0; output < alone.size(); output++) {
                if (!alone.get(output).isSame(TensorRows.of(together.get(output), from, from + part))) {
                    return Found.DIFFERENT;
                }
            }
        }
        return Found.SAME;
    }

    /** Values of a row; the largest number there is where they are more. */
    private static long width(TensorSpec spec) {
        return spec.shape().stream().skip(1).reduce(1L, (a, b) -> {
            long high = Math.multiplyHigh(a, b);
            return high != 0 || a * b < 0 ? Long.MAX_VALUE : a * b;
        });
    }

    private static long sum(long a, long b) {
        return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
    }

    /** Which inputs of whole numbers take large ones: those of others are positions in something. */
    private void findWide() {
        List<String> whole = specs.stream()
                .filter(spec -> spec.datatype().storage() == Datatype.Storage.WHOLE && spec.datatype() != Datatype.BOOL)
                .map(TensorSpec::name)
                .toList();
        for (String one : whole) {
            if (takes(Set.of(one))) {
                wide.add(one);
            }
        }
        if (wide.size() > 1 && !takes(Set.copyOf(wide))) {
            wide.clear();
        }
    }

    private boolean takes(Set<String> some) {
        Set<String> before = Set.copyOf(wide);
        try {
            wide.clear();
            wide.addAll(some);
            var unused = model.apply(rows(2));
            return true;
        } catch (TidemillException e) {
            if (e.code() != ErrorCode.INVALID_ARGUMENT) {
                throw e;
            }
            return false;
        } finally {
            wide.clear();
            wide.addAll(before);
        }
    }

    private List<Tensor> rows(int rows) {
        List<Tensor> tensors = new ArrayList<>();
        for (TensorSpec spec : specs) {
            long[] shape = spec.shape().stream().mapToLong(Long::longValue).toArray();
            shape[0] = rows;
            int width = Math.toIntExact(width(spec));
            int size = Math.multiplyExact(rows, width);
            tensors.add(
                    switch (spec.datatype().storage()) {
                        case NUMBER -> Tensor.numbers(spec.name(), spec.datatype(), shape, numbers(size, width));
                        case WHOLE -> Tensor.wholes(spec.name(), spec.datatype(), shape, wholes(spec, size, width));
                        case BYTES -> throw new IllegalArgumentException(Datatype.BYTES.name());
                    });
        }
        return tensors;
    }

    /** Small ones, which are more often positions that there are; in every other row of those that take them also large ones. */
    private long[] wholes(TensorSpec spec, int size, int width) {
        long[] values = chance.longs(size, 0, 2).toArray();
        if (wide.contains(spec.name())) {
            int bits = Math.min(8 * spec.datatype().width() - 1, WIDE_BITS);
            for (int i = 0; i < size; i++) {
                if (i / width % 2 == 1) {
                    values[i] = chance.nextLong(1L << 1 + chance.nextInt(bits));
                }
            }
        }
        return values;
    }

    private double[] numbers(int size, int width) {
        double[] values = new double[size];
        for (int i = 0; i < size; i++) {
            if (i / width % 2 == 1 && chance.nextInt(3) == 0) {
                values[i] = (float) Math.scalb(chance.nextGaussian(), chance.nextInt(WIDE_BITS));
                continue;
            }
            values[i] = switch (chance.nextInt(200)) {
                case 0 -> Double.NaN;
                case 1 -> Double.POSITIVE_INFINITY;
                case 2 -> Double.NEGATIVE_INFINITY;
                case 3 -> -0.0;
                case 4, 5, 6, 7, 8 -> (float) (1_000 * chance.nextGaussian());
                default -> (float) chance.nextGaussian();
            };
        }
        return values;
    }
}
