package dev.tidemill.inference.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One allocator for what all models of the process compute, with a limit: a graph may make a tensor of any size out of a single
 * number. Values between nodes and answers come from it; the weights do not, which the size of a model's file bounds.
 *
 * <p>ONNX Runtime has such an allocator in its C interface and not in its Java one ({@code CreateAndRegisterAllocator}), hence the
 * calls by their places in the table of functions, which versions of ONNX Runtime only ever add to. Thread-safe.
 */
final class OnnxMemory {
    private static final Logger LOG = LoggerFactory.getLogger(OnnxMemory.class);

    /** The version of the table of functions that the places below are of; later libraries have it, too. */
    private static final int TABLE_VERSION = 13;

    private static final int GET_ERROR_MESSAGE = 2;
    private static final int CREATE_ENV = 3;
    private static final int CREATE_CPU_MEMORY_INFO = 69;
    private static final int RELEASE_STATUS = 93;
    private static final int RELEASE_MEMORY_INFO = 94;
    private static final int CREATE_AND_REGISTER_ALLOCATOR = 144;
    private static final int CREATE_ARENA_CFG = 156;
    private static final int RELEASE_ARENA_CFG = 157;
    private static final int FUNCTIONS = RELEASE_ARENA_CFG + 1;

    private static final int LOGGING_FATAL = 4;
    private static final int ARENA_ALLOCATOR = 1;
    private static final int MEMORY_DEFAULT = 0;
    /** Memory is taken as it is asked for, not twice as much each time. */
    private static final int SAME_AS_REQUESTED = 1;

    private static final int BY_DEFAULT = -1;
    private static final int LONGEST_MESSAGE = 4_096;

    private static final long LEAST = 256L << 20;
    /** What the constants of a graph may become when they are computed at its load, beside twice its file. */
    private static final long FOLDED = 64L << 20;
    /** Fewest bytes that a node takes in a file. */
    private static final int SMALLEST_NODE = 16;

    private static final Pattern FULL =
            Pattern.compile("Available memory of (\\d+) is smaller than requested bytes of (\\d+)");

    private OnnxMemory() {}

    /** Bytes that all runs may hold together: a quarter of the machine's memory, or of the container's. */
    static long limit() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? Math.max(LEAST, system.getTotalMemorySize() / 4)
                : LEAST;
    }

    /**
     * Limits what sessions of this process take that are made with {@link #limited}; once, after the environment was made.
     *
     * @throws IllegalStateException if ONNX Runtime refuses, so that no model is served without a limit
     */
    static void limit(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            var functions = new Functions();
            MemorySegment made = arena.allocate(ADDRESS);
            // The environment is one for the process: this is the one that Java has.
            functions.check(functions
                    .of(CREATE_ENV, ADDRESS, JAVA_INT, ADDRESS, ADDRESS)
                    .invoke(LOGGING_FATAL, arena.allocateFrom("tidemill"), made));
            MemorySegment environment = made.get(ADDRESS, 0);
            functions.check(functions
                    .of(CREATE_CPU_MEMORY_INFO, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS)
                    .invoke(ARENA_ALLOCATOR, MEMORY_DEFAULT, made));
            MemorySegment kind = made.get(ADDRESS, 0);
            functions.check(functions
                    .of(CREATE_ARENA_CFG, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS)
                    .invoke(bytes, SAME_AS_REQUESTED, BY_DEFAULT, BY_DEFAULT, made));
            MemorySegment settings = made.get(ADDRESS, 0);
            functions.check(functions
                    .of(CREATE_AND_REGISTER_ALLOCATOR, ADDRESS, ADDRESS, ADDRESS, ADDRESS)
                    .invoke(environment, kind, settings));
            functions.release(RELEASE_ARENA_CFG, settings);
            functions.release(RELEASE_MEMORY_INFO, kind);
            LOG.info("Runs of ONNX Runtime take at most {} MB together", bytes >> 20);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("The memory of ONNX Runtime cannot be limited", e);
        }
    }

    /**
     * Has a session take its memory within the limit.
     *
     * @param file bytes of the model's files
     * @param nodes nodes whose inputs are all constants; empty if they are not known
     * @param times how many times as much as its tensor a constant text takes
     */
    static void limited(OrtSession.SessionOptions settings, long file, Optional<Integer> nodes, long times)
            throws OrtException {
        // No arena of its own, which would keep the most that any call ever took.
        settings.setCPUArenaAllocator(false);
        settings.addConfigEntry("session.use_env_allocators", "1");
        settings.addConfigEntry("session.use_device_allocator_for_initializers", "1");
        // Constants are computed at load outside of the limit, each node's up to this; what is larger is computed in
        // each run.
        long folding = nodes.map(Integer::longValue).orElse(file / SMALLEST_NODE);
        settings.addConfigEntry(
                "optimization.constant_folding_max_output_size_in_bytes",
                Long.toString(Math.max(1, (FOLDED + 2 * file) / Math.max(1, folding) / times)));
    }

    /**
     * Has ONNX Runtime compute products of whole numbers as they are written: what its optimizer puts in their place divides by sizes
     * that it takes from other inputs, and ends the process where they do not fit. Nor does it make one of several {@code Reshape}s, of
     * which one may be a guard's ({@link GraphGuards}) that would be left out.
     *
     * @param quantized whether this is so of what is between dequantizing and quantizing, too
     */
    static void unfused(OrtSession.SessionOptions settings, boolean quantized) throws OrtException {
        settings.addConfigEntry(
                "optimization.disable_specified_optimizers",
                "MatMulIntegerToFloatFusion;DynamicQuantizeMatMulFusion;ReshapeFusion");
        if (quantized) {
            settings.addConfigEntry("session.disable_quant_qdq", "1");
        }
    }

    /** Has a run give back, at its end, what no run holds. */
    static void giveBack(OrtSession.RunOptions options) throws OrtException {
        options.addRunConfigEntry("memory.enable_memory_arena_shrinkage", "cpu:0");
    }

    /** What a caller is told of a run that went beyond the limit; empty for a run that failed otherwise. */
    static Optional<TidemillException> refusal(OrtException failure) {
        Matcher full = FULL.matcher(String.valueOf(failure.getMessage()));
        if (!full.find()) {
            return Optional.empty();
        }
        String asked = full.group(2);
        long most = limit();
        boolean ever = asked.length() < 19 && Long.parseLong(asked) <= most;
        return Optional.of(
                ever
                        ? new TidemillException(
                                        ErrorCode.UNAVAILABLE,
                                        "The model asks for " + asked + " bytes to compute with; of the " + most
                                                + " that all ONNX models may take, there are " + full.group(1)
                                                + " left")
                                .remedy("Try again later, or with fewer rows at a time")
                                .causedBy(failure)
                        : TidemillException.invalid(
                                        "inputs",
                                        "The model asks for " + asked
                                                + " bytes to compute with; all ONNX models may take " + most)
                                .remedy("Ask for fewer rows at a time")
                                .causedBy(failure));
    }

    /** ONNX Runtime's table of functions. */
    private static final class Functions {
        private final Linker linker = Linker.nativeLinker();
        private final MemorySegment table;

        private Functions() throws Throwable {
            MemorySegment entry = SymbolLookup.loaderLookup()
                    .find("OrtGetApiBase")
                    .orElseThrow(() -> new IllegalStateException("ONNX Runtime's library is not loaded"));
            var base = (MemorySegment)
                    linker.downcallHandle(entry, FunctionDescriptor.of(ADDRESS)).invoke();
            MemorySegment get = base.reinterpret(ADDRESS.byteSize()).get(ADDRESS, 0);
            var given = (MemorySegment) linker.downcallHandle(get, FunctionDescriptor.of(ADDRESS, JAVA_INT))
                    .invoke(TABLE_VERSION);
            if (given.address() == 0) {
                throw new IllegalStateException("ONNX Runtime has no version " + TABLE_VERSION + " of its functions");
            }
            this.table = given.reinterpret(FUNCTIONS * ADDRESS.byteSize());
        }

        private java.lang.invoke.MethodHandle of(int place, ValueLayout result, ValueLayout... parameters) {
            return linker.downcallHandle(table.getAtIndex(ADDRESS, place), FunctionDescriptor.of(result, parameters));
        }

        private void release(int place, MemorySegment what) throws Throwable {
            linker.downcallHandle(table.getAtIndex(ADDRESS, place), FunctionDescriptor.ofVoid(ADDRESS))
                    .invoke(what);
        }

        private void check(Object status) throws Throwable {
            var told = (MemorySegment) status;
            if (told.address() == 0) {
                return;
            }
            var text = (MemorySegment) of(GET_ERROR_MESSAGE, ADDRESS, ADDRESS).invoke(told);
            String message = text.reinterpret(LONGEST_MESSAGE).getString(0);
            release(RELEASE_STATUS, told);
            throw new IllegalStateException("ONNX Runtime does not limit its memory: " + message);
        }
    }
}
