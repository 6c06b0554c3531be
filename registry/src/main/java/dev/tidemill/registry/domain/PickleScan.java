package dev.tidemill.registry.domain;

import dev.tidemill.registry.domain.ModelFiles.Verdict;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads a pickle's opcodes, without running them, and tells which callables it refers to. The protocol is that of Python's
 * {@code pickletools} (PEP 3154, PEP 574). What is allowed is a list; everything else, and everything that cannot be read, is
 * refused: lists of what is forbidden are always one trick short.
 */
public final class PickleScan {
    private static final int LONGEST_TEXT = 1 << 20;
    private static final long MOST_BYTES = 4L << 30;
    private static final int MOST_MEMO = 5_000_000;

    /** Callables that rebuild data and do nothing else. */
    private static final Set<String> ALLOWED = Set.of(
            "builtins.set",
            "builtins.frozenset",
            "builtins.dict",
            "builtins.list",
            "builtins.tuple",
            "builtins.complex",
            "builtins.bytearray",
            "builtins.slice",
            "builtins.range",
            "builtins.object",
            "builtins.int",
            "builtins.float",
            "builtins.bool",
            "builtins.NoneType",
            "builtins.str",
            "builtins.bytes",
            "__builtin__.set",
            "__builtin__.object",
            "collections.OrderedDict",
            "collections.defaultdict",
            "collections.deque",
            "collections.Counter",
            "copyreg._reconstructor",
            "copy_reg._reconstructor",
            "_codecs.encode",
            "datetime.datetime",
            "datetime.date",
            "datetime.timedelta",
            "datetime.timezone",
            "decimal.Decimal",
            "fractions.Fraction",
            "uuid.UUID",
            "pathlib.PosixPath",
            "pathlib.PurePosixPath",
            "numpy.dtype",
            "numpy.bool",
            "numpy.bool_",
            "numpy.float16",
            "numpy.float32",
            "numpy.float64",
            "numpy.int8",
            "numpy.int16",
            "numpy.int32",
            "numpy.int64",
            "numpy.uint8",
            "numpy.uint16",
            "numpy.uint32",
            "numpy.uint64",
            "numpy.str_",
            "numpy.object_",
            "numpy.ndarray",
            "numpy.core.multiarray._reconstruct",
            "numpy.core.multiarray.scalar",
            "numpy._core.multiarray._reconstruct",
            "numpy._core.multiarray.scalar",
            "numpy.core.numeric._frombuffer",
            "numpy._core.numeric._frombuffer",
            "numpy.ma.core._mareconstruct",
            "numpy.ma.core.MaskedArray",
            "numpy.random._pickle.__randomstate_ctor",
            "numpy.random._pickle.__generator_ctor",
            "numpy.random._pickle.__bit_generator_ctor",
            "numpy.random.mtrand.RandomState",
            "numpy.random._mt19937.MT19937",
            "numpy.random._pcg64.PCG64",
            "scipy.sparse._csr.csr_matrix",
            "scipy.sparse._csc.csc_matrix",
            "scipy.sparse._csr.csr_array",
            "scipy.sparse._csc.csc_array",
            "scipy.sparse._coo.coo_matrix",
            "scipy.interpolate._interpolate.interp1d",
            "pandas.core.frame.DataFrame",
            "pandas.core.series.Series",
            "pandas.core.indexes.base.Index",
            "pandas.core.indexes.base._new_Index",
            "pandas.core.indexes.range.RangeIndex",
            "pandas._libs.internals._unpickle_block",
            "pandas.core.internals.managers.BlockManager",
            "pandas.core.internals.managers.SingleBlockManager",
            "xgboost.core.Booster",
            "xgboost.sklearn.XGBClassifier",
            "xgboost.sklearn.XGBRegressor",
            "xgboost.sklearn.XGBRanker",
            "lightgbm.basic.Booster",
            "lightgbm.sklearn.LGBMClassifier",
            "lightgbm.sklearn.LGBMRegressor",
            "lightgbm.sklearn.LGBMRanker");

    /** Functions of scikit-learn that its own models refer to; of its classes all are allowed. */
    private static final Set<String> SKLEARN_FUNCTIONS = Set.of(
            "sklearn.tree._tree.Tree",
            "sklearn.neighbors._kd_tree.newObj",
            "sklearn.neighbors._ball_tree.newObj",
            "sklearn.metrics._dist_metrics.newObj",
            "sklearn._loss._loss.__pyx_unpickle_CyHalfSquaredError",
            "sklearn._loss._loss.__pyx_unpickle_CyHalfBinomialLoss",
            "sklearn._loss._loss.__pyx_unpickle_CyHalfMultinomialLoss");

    /** What a scan found: all names that are referred to, and those of them that are refused. */
    public record Found(Verdict verdict, List<String> refused) {}

    private final DataInputStream in;
    private final Deque<Object> stack = new ArrayDeque<>();
    private final Map<Long, Object> memo = new HashMap<>();
    private final TreeSet<String> refused = new TreeSet<>();
    private long read;

    /** Any value that is not a text. */
    private static final Object UNKNOWN = new Object();

    private static final Object MARK = new Object();

    private PickleScan(InputStream content) {
        this.in = new DataInputStream(content);
    }

    /** Scans one pickle; the stream is read to the pickle's end, not closed. */
    public static Found scan(InputStream content) {
        var scan = new PickleScan(content);
        try {
            scan.run();
        } catch (IOException | Unreadable | IllegalStateException e) {
            String why = e instanceof EOFException ? "it ends too early" : String.valueOf(e.getMessage());
            return new Found(Verdict.UNREADABLE, List.of("cannot be read: " + why));
        }
        return scan.refused.isEmpty()
                ? new Found(Verdict.ALLOWED, List.of())
                : new Found(Verdict.REFUSED, List.copyOf(scan.refused));
    }

    private static final class Unreadable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Unreadable(String message) {
            super(message);
        }
    }

    /** Whether a name is on the allow-list. */
    public static boolean isAllowed(String module, String name) {
        String full = module + "." + name;
        if (ALLOWED.contains(full) || SKLEARN_FUNCTIONS.contains(full)) {
            return true;
        }
        // A class of scikit-learn rebuilds itself from its state; a dotted name would reach into something else.
        return module.startsWith("sklearn.") && name.matches("[A-Z]\\w*");
    }

    private void refer(Object module, Object name) {
        if (module instanceof String where && name instanceof String what) {
            if (!isAllowed(where, what)) {
                refused.add(where + "." + what);
            }
        } else {
            refused.add("a name that is put together at run time");
        }
        push(UNKNOWN);
    }

    private void run() throws IOException {
        while (true) {
            int opcode = in.readUnsignedByte();
            if (++read > MOST_BYTES) {
                throw new Unreadable("it is too large");
            }
            if (opcode == '.') {
                return;
            }
            step(opcode);
        }
    }

    /**
     * One opcode, its effect on the stack exactly as the unpickler's: a name that is judged must be the name that is used. Only
     * texts are followed; every other value is one that no name can be made of.
     */
    private void step(int opcode) throws IOException {
        switch (opcode) {
            case 0x80 -> skip(1); // PROTO
            case 0x95 -> skip(8); // FRAME
            case 'c' -> refer(line(), line()); // GLOBAL
            case 'i' -> { // INST
                String module = line();
                String name = line();
                popToMark();
                refer(module, name);
            }
            case 0x93 -> { // STACK_GLOBAL
                Object name = pop();
                refer(pop(), name);
            }
            case 0x82, 0x83, 0x84 -> { // EXT1, EXT2, EXT4: a registry that we do not know
                skip(opcode == 0x82 ? 1 : opcode == 0x83 ? 2 : 4);
                refused.add("an entry of the extension registry");
                push(UNKNOWN);
            }
            case 'P' -> persistent(line()); // PERSID
            case 'Q' -> persistent(pop()); // BINPERSID
            case 'U' -> text(in.readUnsignedByte(), StandardCharsets.ISO_8859_1); // SHORT_BINSTRING
            case 'T' -> text(little(4), StandardCharsets.ISO_8859_1); // BINSTRING
            case 0x8c -> text(in.readUnsignedByte(), StandardCharsets.UTF_8); // SHORT_BINUNICODE
            case 'X' -> text(little(4), StandardCharsets.UTF_8); // BINUNICODE
            case 0x8d -> text(little(8), StandardCharsets.UTF_8); // BINUNICODE8
            case 'S' -> push(quoted(line())); // STRING
            case 'V' -> push(line()); // UNICODE
            case 'C' -> bytes(in.readUnsignedByte()); // SHORT_BINBYTES
            case 'B' -> bytes(little(4)); // BINBYTES
            case 0x8e, 0x96 -> bytes(little(8)); // BINBYTES8, BYTEARRAY8
            case 'K' -> bytes(1); // BININT1
            case 'M' -> bytes(2); // BININT2
            case 'J' -> bytes(4); // BININT
            case 'G' -> bytes(8); // BINFLOAT
            case 0x8a -> bytes(in.readUnsignedByte()); // LONG1
            case 0x8b -> bytes(little(4)); // LONG4
            case 'I', 'F', 'L' -> { // INT, FLOAT, LONG
                line();
                push(UNKNOWN);
            }
            case 'p' -> remember(decimal(line())); // PUT
            case 'q' -> remember(in.readUnsignedByte()); // BINPUT
            case 'r' -> remember(little(4)); // LONG_BINPUT
            case 0x94 -> remember(memo.size()); // MEMOIZE
            case 'g' -> recall(decimal(line())); // GET
            case 'h' -> recall(in.readUnsignedByte()); // BINGET
            case 'j' -> recall(little(4)); // LONG_BINGET
            default -> move(opcode);
        }
    }

    /** Opcodes that only move values. */
    private void move(int opcode) {
        switch (opcode) {
            case '(' -> push(MARK);
            case '2' -> push(peek()); // DUP
            case '0' -> pop(); // POP
            case '1' -> popToMark(); // POP_MARK
            // NONE, NEWTRUE, NEWFALSE, EMPTY_LIST, EMPTY_TUPLE, EMPTY_DICT, EMPTY_SET, NEXT_BUFFER
            case 'N', 0x88, 0x89, ']', ')', '}', 0x8f, 0x97 -> push(UNKNOWN);
            case 0x98 -> peek(); // READONLY_BUFFER
            case 'a', 'b' -> replace(2); // APPEND, BUILD: the object beneath stays
            case 's' -> replace(3); // SETITEM
            case 'R', 0x81, 0x86 -> replace(2); // REDUCE, NEWOBJ, TUPLE2
            case 0x85 -> replace(1); // TUPLE1
            case 0x87, 0x92 -> replace(3); // TUPLE3, NEWOBJ_EX
            case 'e', 'u', 0x90 -> { // APPENDS, SETITEMS, ADDITEMS: the object beneath the mark stays
                popToMark();
                replace(1);
            }
            case 't', 'l', 'd', 'o', 0x91 -> { // TUPLE, LIST, DICT, OBJ, FROZENSET
                popToMark();
                push(UNKNOWN);
            }
            default -> throw new Unreadable("opcode 0x" + Integer.toHexString(opcode) + " is not known");
        }
    }

    private void persistent(Object id) {
        refused.add("a persistent id" + (id instanceof String text && text.length() < 100 ? " " + text : ""));
        push(UNKNOWN);
    }

    private void push(Object value) {
        if (stack.size() >= MOST_MEMO) {
            throw new Unreadable("its stack is too large");
        }
        stack.push(value);
    }

    private Object peek() {
        Object top = stack.peek();
        if (top == null) {
            throw new Unreadable("it takes more from its stack than there is");
        }
        return top;
    }

    private Object pop() {
        Object top = peek();
        stack.pop();
        return top;
    }

    /** Takes so many values and leaves one that no name can be made of. */
    private void replace(int count) {
        for (int i = 0; i < count; i++) {
            if (pop() == MARK) {
                throw new Unreadable("it takes a mark for a value");
            }
        }
        push(UNKNOWN);
    }

    private void popToMark() {
        while (pop() != MARK) {
            // what lies above the mark goes with it
        }
    }

    private void skip(long count) throws IOException {
        in.skipNBytes(count);
        read += count;
        if (read > MOST_BYTES) {
            throw new Unreadable("it is too large");
        }
    }

    private long little(int bytes) throws IOException {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (long) in.readUnsignedByte() << (8 * i);
        }
        read += bytes;
        if (value < 0 || value > MOST_BYTES) {
            throw new Unreadable("a length of " + value + " is impossible");
        }
        return value;
    }

    private void bytes(long count) throws IOException {
        skip(count);
        push(UNKNOWN);
    }

    private void text(long length, java.nio.charset.Charset charset) throws IOException {
        if (length > LONGEST_TEXT) {
            bytes(length);
            return;
        }
        byte[] content = in.readNBytes((int) length);
        if (content.length < length) {
            throw new EOFException();
        }
        read += length;
        push(new String(content, charset));
    }

    private String line() throws IOException {
        var text = new java.io.ByteArrayOutputStream();
        int next;
        while ((next = in.readUnsignedByte()) != '\n') {
            text.write(next);
            if (text.size() > LONGEST_TEXT) {
                throw new Unreadable("a line is too long");
            }
        }
        read += text.size() + 1;
        return text.toString(StandardCharsets.UTF_8);
    }

    private static String quoted(String text) {
        return text.length() >= 2 ? text.substring(1, text.length() - 1) : text;
    }

    private static long decimal(String text) {
        try {
            return new BigInteger(text.strip()).longValueExact();
        } catch (ArithmeticException | NumberFormatException e) {
            throw new Unreadable("'" + text + "' is no number of the memo");
        }
    }

    private void remember(long key) {
        if (memo.size() > MOST_MEMO) {
            throw new Unreadable("its memo is too large");
        }
        Object top = peek();
        if (top == MARK) {
            throw new Unreadable("it remembers a mark");
        }
        memo.put(key, top);
    }

    private void recall(long key) {
        Object value = memo.get(key);
        if (value == null) {
            throw new Unreadable("it asks its memo for what is not there");
        }
        push(value);
    }

    /** Names that a pickle may refer to, for those who ask why one was refused. */
    public static List<String> allowed() {
        var names = new ArrayList<>(new TreeSet<>(ALLOWED));
        names.addAll(new TreeSet<>(SKLEARN_FUNCTIONS));
        names.add("sklearn.*.<Class>");
        return names;
    }
}
