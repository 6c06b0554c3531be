package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.Signature;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Tries a model that was just loaded: it must answer before it is given to anybody, with as many rows as it was given if it says that
 * it answers by rows; and it is called until its latency settles, so that no caller pays for warming up.
 */
final class Trial {
    private static final Set<String> NUMBERS = Set.of("integer", "long", "float", "double");
    private static final long ROWS = 2;
    /** Size of an open dimension that does not count rows. */
    private static final long OPEN = 8;

    private static final long MOST_VALUES = 1_000_000;
    private static final int MOST_ROUNDS = 400;
    private static final long MOST_NANOS = 300_000_000L;
    private static final int WINDOW = 20;

    private Trial() {}

    /**
     * Tries a model.
     *
     * @param golden rows of its maker's; without them zeros and empty texts of the shapes that it declares are tried, which it may refuse
     * @throws TidemillException {@code FAILED_PRECONDITION} with what is wrong
     */
    static void of(LoadedModel model, ModelFolder folder, Optional<List<Tensor>> golden) {
        of(model, folder, golden, Cancellation.LONGEST_TRIAL);
    }

    /** @param longest after which a call is ended, and the trial has failed */
    static void of(LoadedModel model, ModelFolder folder, Optional<List<Tensor>> golden, Duration longest) {
        List<Tensor> inputs = golden.isPresent() ? fitted(model, folder, golden.get()) : blank(model.inputs());
        if (inputs.isEmpty()) {
            return;
        }
        List<Tensor> outputs;
        try {
            outputs = call(model, inputs, longest);
        } catch (TidemillException e) {
            if (e.code() == ErrorCode.TIMEOUT) {
                throw folder.unusable("it did not answer its trial within " + longest.toMillis() + " ms")
                        .causedBy(e);
            }
            if (e.code() != ErrorCode.INVALID_ARGUMENT) {
                throw e;
            }
            if (golden.isPresent()) {
                throw folder.unusable("it refuses its own input example: " + e.getMessage())
                        .causedBy(e);
            }
            // It works, and has reason to refuse rows that nobody would send.
            return;
        }
        int rows = inputs.getFirst().rows();
        for (Tensor output : outputs) {
            if (model.batching().joins() && !output.hasRows(rows)) {
                throw folder.unusable("it answers " + rows + " rows with " + output.rows());
            }
        }
        checkSignature(folder, outputs);
        warm(model, inputs, longest);
    }

    /** What another process answers has limits of its own: it may have to read its weights first. */
    private static List<Tensor> call(LoadedModel model, List<Tensor> inputs, Duration longest) {
        return model.isElsewhere()
                ? model.predict(inputs)
                : model.predict(inputs, CallContext.NONE.with(Cancellation.after(longest)));
    }

    private static List<Tensor> fitted(LoadedModel model, ModelFolder folder, List<Tensor> golden) {
        try {
            return InputBinding.fit(model.inputs(), golden);
        } catch (TidemillException e) {
            throw folder.unusable("its own input example does not fit it: " + e.getMessage())
                    .causedBy(e);
        }
    }

    /** Where the signature promises texts there must be texts, and numbers where it promises numbers. */
    private static void checkSignature(ModelFolder folder, List<Tensor> outputs) {
        List<Signature.Field> promised =
                folder.description().signature().map(Signature::outputs).orElse(List.of());
        for (Signature.Field field : promised) {
            Optional<Tensor> output = promised.size() == 1 && outputs.size() == 1
                    ? Optional.of(outputs.getFirst())
                    : Tensor.named(outputs, field.name());
            boolean text = field.type().equals("string");
            boolean known = text || NUMBERS.contains(field.type());
            if (known && output.isPresent() && text != (output.get().datatype() == Datatype.BYTES)) {
                throw folder.unusable("its signature promises " + field.type() + " for '"
                        + output.get().name() + "', and it answers "
                        + output.get().datatype());
            }
        }
    }

    /** Calls a model until its latency settles. */
    private static void warm(LoadedModel model, List<Tensor> inputs, Duration longest) {
        long begun = System.nanoTime();
        double before = Double.MAX_VALUE;
        for (int round = 0; round < MOST_ROUNDS && System.nanoTime() - begun < MOST_NANOS; round += WINDOW) {
            long started = System.nanoTime();
            for (int i = 0; i < WINDOW && System.nanoTime() - begun < MOST_NANOS; i++) {
                call(model, inputs, longest);
            }
            double took = System.nanoTime() - started;
            if (took > before * 0.9) {
                return;
            }
            before = took;
        }
    }

    /** Zeros and empty texts of the declared shapes; dimensions of one name get one size. Nothing if that is too much. */
    static List<Tensor> blank(List<TensorSpec> specs) {
        Map<String, Long> sizes = new HashMap<>();
        specs.forEach(spec -> {
            // A name that counts rows somewhere counts them everywhere.
            if (!spec.symbols().isEmpty() && !spec.symbols().getFirst().isEmpty()) {
                sizes.put(spec.symbols().getFirst(), ROWS);
            }
        });
        List<Tensor> inputs = new ArrayList<>();
        for (TensorSpec spec : specs) {
            long[] shape = new long[spec.shape().size()];
            long size = 1;
            for (int i = 0; i < shape.length; i++) {
                long otherwise = i == 0 ? ROWS : OPEN;
                String symbol = spec.symbols().get(i);
                shape[i] = spec.shape().get(i) >= 0
                        ? spec.shape().get(i)
                        : symbol.isEmpty() ? otherwise : sizes.computeIfAbsent(symbol, unused -> otherwise);
                size = Math.min(MOST_VALUES + 1, size * Math.min(MOST_VALUES + 1, shape[i]));
            }
            if (size > MOST_VALUES) {
                return List.of();
            }
            inputs.add(
                    switch (spec.datatype().storage()) {
                        case NUMBER -> Tensor.numbers(spec.name(), spec.datatype(), shape, new double[(int) size]);
                        case WHOLE -> Tensor.wholes(spec.name(), spec.datatype(), shape, new long[(int) size]);
                        case BYTES -> Tensor.texts(spec.name(), shape, empty((int) size));
                    });
        }
        return inputs;
    }

    private static byte[][] empty(int size) {
        byte[][] texts = new byte[size][];
        java.util.Arrays.fill(texts, new byte[0]);
        return texts;
    }
}
