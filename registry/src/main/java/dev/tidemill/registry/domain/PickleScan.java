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
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads a pickle's opcodes, without running them, and tells which callables it refers to and what it does with them. The protocol
 * is that of Python's {@code pickletools} (PEP 3154, PEP 574). What is allowed is a list ({@link PickleGlobals}); everything else,
 * and everything that cannot be read, is refused: lists of what is forbidden are always one trick short.
 */
public final class PickleScan {
    private static final int LONGEST_TEXT = 1 << 20;
    private static final long MOST_BYTES = 4L << 30;
    private static final int MOST_MEMO = 5_000_000;
    private static final String PARTIAL = "functools.partial";
    /** The one function of which a partial call is rebuilt. */
    public static final String CHECK_ARRAY = "sklearn.utils.validation.check_array";

    private static final Set<String> RECONSTRUCTORS = Set.of("copyreg._reconstructor", "copy_reg._reconstructor");

    /** Whose {@code input} tells whether what a caller gives is text, or the name of a file that is opened. */
    public static final Set<String> TEXT_VECTORIZERS = Set.of(
            "sklearn.feature_extraction.text.CountVectorizer",
            "sklearn.feature_extraction.text.HashingVectorizer",
            "sklearn.feature_extraction.text.TfidfVectorizer");

    /** What a scan found: all names that are referred to, and those of them that are refused. */
    public record Found(Verdict verdict, List<String> refused) {}

    private final DataInputStream in;
    private final Deque<Object> stack = new ArrayDeque<>();
    private final Map<Long, Object> memo = new HashMap<>();
    private final TreeSet<String> refused = new TreeSet<>();
    private long read;

    /** A tuple of few values, which may be what a call is given. */
    private record Tuple(List<Object> values) {}

    /** What a listed callable has given: its state may be set. */
    private record Instance(PickleGlobals.Global of) {}

    /** A dictionary, of which one entry matters. */
    private static final class Dictionary {
        /** What stands under {@code input}: null if nothing does. */
        private @Nullable Object input;
        /** Whether a key is no text that was read, which may stand for any. */
        private boolean unclear;

        private void put(Object key, Object value) {
            if (key.equals("input")) {
                input = value;
            }
            unclear |= !(key instanceof String);
        }
    }

    /** Data of whatever kind. */
    private static final Object UNKNOWN = new Object();

    private static final int LARGEST_TUPLE = 8;

    private static final Object MARK = new Object();

    private PickleScan(InputStream content) {
        this.in = new DataInputStream(content);
    }

    /** Scans a stream that holds one pickle and nothing else; it is read to its end, not closed. */
    public static Found scan(InputStream content) {
        var scan = new PickleScan(content);
        try {
            scan.run();
            if (content.read() >= 0) {
                // Another pickle, or an archive that readers find from its end.
                scan.refused.add("bytes after the pickle's end");
            }
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
        return PickleGlobals.find(module, name).isPresent();
    }

    private void refer(Object module, Object name) {
        if (module instanceof String where && name instanceof String what) {
            Optional<PickleGlobals.Global> listed = PickleGlobals.find(where, what);
            if (listed.isPresent()) {
                push(listed.get());
                return;
            }
            refused.add(where + "." + what);
        } else {
            refused.add("a name that is put together at run time");
        }
        push(UNKNOWN);
    }

    /** Calls what was named; with one exception a class is made, and not called, only by {@link #make}. */
    private void call(Object callee, Object arguments) {
        if (!(callee instanceof PickleGlobals.Global global)) {
            // One that was refused by its name has been told already.
            if (refused.isEmpty()) {
                refused.add("a call of what is no name");
            }
            push(UNKNOWN);
            return;
        }
        if (RECONSTRUCTORS.contains(global.toString())) {
            Object first = arguments instanceof Tuple tuple && !tuple.values().isEmpty()
                    ? tuple.values().getFirst()
                    : UNKNOWN;
            make(first);
            return;
        }
        if (!global.called()) {
            refused.add("a call of " + global);
        }
        if (global.toString().equals(PARTIAL)) {
            partialOf(arguments);
        }
        if (global.module().equals("numpy.random._pickle")) {
            // These call what they are given.
            givenOnly("numpy.random.", arguments);
        }
        push(new Instance(global));
    }

    /** A partial call is made of one function alone; of another it would be that function with arguments of the pickle's choice. */
    private void partialOf(Object given) {
        boolean known = given instanceof Tuple tuple
                && !tuple.values().isEmpty()
                && tuple.values().getFirst() instanceof PickleGlobals.Global global
                && global.toString().equals(CHECK_ARRAY);
        if (!known) {
            refused.add("a partial call of anything but " + CHECK_ARRAY);
        }
    }

    private void givenOnly(String modules, Object arguments) {
        List<Object> given = arguments instanceof Tuple tuple ? tuple.values() : List.of(UNKNOWN);
        for (Object one : given) {
            if (one instanceof PickleGlobals.Global global && !global.module().startsWith(modules)) {
                refused.add("a call by numpy.random of " + global);
            }
        }
    }

    /** Makes an instance of a class without its initialiser. */
    private void make(Object type) {
        if (type instanceof PickleGlobals.Global global) {
            if (!global.made() && !global.called()) {
                refused.add("an instance of " + global);
            }
            push(new Instance(global));
        } else {
            if (refused.isEmpty()) {
                refused.add("an instance of what is no name");
            }
            push(UNKNOWN);
        }
    }

    /** Sets the state of what lies beneath: of an instance, never of a class or function, which everybody shares. */
    private void build() {
        Object state = noMark(pop());
        Object target = noMark(peek());
        if (target instanceof Instance instance && instance.of().toString().equals(PARTIAL)) {
            partialOf(state);
        }
        if (target instanceof Instance instance
                && TEXT_VECTORIZERS.contains(instance.of().toString())) {
            stateOfTextVectorizer(instance.of(), state);
        }
        if (!(target instanceof Instance) && refused.isEmpty()) {
            refused.add(
                    "the state of " + (target instanceof PickleGlobals.Global global ? global : "what is no instance"));
        }
    }

    /** One that opens what callers name reads any file of the server for them. */
    private void stateOfTextVectorizer(PickleGlobals.Global vectorizer, Object state) {
        if (!(state instanceof Dictionary settings) || settings.unclear) {
            refused.add("a state of " + vectorizer + " that cannot be followed");
        } else if (settings.input != null && !settings.input.equals("content")) {
            refused.add(vectorizer + " with input=" + (settings.input instanceof String ? settings.input : "?")
                    + ", which opens what callers give");
        }
    }

    private void tuple(int count) {
        var values = new ArrayList<Object>(count);
        for (int i = 0; i < count; i++) {
            values.addFirst(noMark(pop()));
        }
        push(new Tuple(values));
    }

    private static Object noMark(Object value) {
        if (value == MARK) {
            throw new Unreadable("it takes a mark for a value");
        }
        return value;
    }

    /** The values above the mark, which goes too; an empty list where there are more than a call is ever given. */
    private Optional<List<Object>> fromMark() {
        var values = new ArrayList<Object>();
        boolean large = false;
        Object value;
        while ((value = pop()) != MARK) {
            large |= values.size() >= LARGEST_TUPLE;
            if (!large) {
                values.addFirst(value);
            }
        }
        return large ? Optional.empty() : Optional.of(values);
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
                call(pop(), UNKNOWN);
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
            case '}' -> push(new Dictionary()); // EMPTY_DICT
            // NONE, NEWTRUE, NEWFALSE, EMPTY_LIST, EMPTY_TUPLE, EMPTY_SET, NEXT_BUFFER
            case 'N', 0x88, 0x89, ']', ')', 0x8f, 0x97 -> push(UNKNOWN);
            case 0x98 -> peek(); // READONLY_BUFFER
            case 'a' -> put(1); // APPEND
            case 's' -> { // SETITEM
                Object value = noMark(pop());
                Object key = noMark(pop());
                put(0);
                entry(key, value);
            }
            case 'b' -> build(); // BUILD
            case 'R' -> { // REDUCE
                Object arguments = noMark(pop());
                call(noMark(pop()), arguments);
            }
            case 0x81 -> { // NEWOBJ
                noMark(pop());
                make(noMark(pop()));
            }
            case 0x92 -> { // NEWOBJ_EX
                noMark(pop());
                noMark(pop());
                make(noMark(pop()));
            }
            case 0x85 -> tuple(1); // TUPLE1
            case 0x86 -> tuple(2); // TUPLE2
            case 0x87 -> tuple(3); // TUPLE3
            case 'u' -> setItems(); // SETITEMS
            case 'e', 0x90 -> { // APPENDS, ADDITEMS
                popToMark();
                put(0);
            }
            case 't' -> push(fromMark().<Object>map(Tuple::new).orElse(UNKNOWN)); // TUPLE
            case 'd' -> { // DICT
                List<Object> entries = entries();
                push(new Dictionary());
                put(entries);
            }
            case 'l', 0x91 -> { // LIST, FROZENSET
                popToMark();
                push(UNKNOWN);
            }
            case 'o' -> { // OBJ: a class and what it is called with
                List<Object> values = fromMark().orElseThrow(() -> new Unreadable("a call is given too much"));
                if (values.isEmpty()) {
                    throw new Unreadable("it takes more from its stack than there is");
                }
                call(values.getFirst(), UNKNOWN);
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

    /** Takes so many values and puts them into the container beneath, which is no class or function. */
    private void put(int count) {
        for (int i = 0; i < count; i++) {
            noMark(pop());
        }
        if (noMark(peek()) instanceof PickleGlobals.Global global) {
            refused.add("a change of " + global);
        }
    }

    private void entry(Object key, Object value) {
        if (peek() instanceof Dictionary dictionary) {
            dictionary.put(key, value);
        }
    }

    private void setItems() {
        List<Object> entries = entries();
        put(0);
        put(entries);
    }

    /** Values and keys above the mark, which goes too, the last first. */
    private List<Object> entries() {
        var entries = new ArrayList<Object>();
        Object value;
        while ((value = pop()) != MARK) {
            entries.add(value);
        }
        if (entries.size() % 2 != 0) {
            throw new Unreadable("a dictionary has a key without a value");
        }
        return entries;
    }

    /** @param entries as {@link #entries} gives them */
    private void put(List<Object> entries) {
        for (int i = entries.size() - 1; i > 0; i -= 2) {
            entry(entries.get(i), entries.get(i - 1));
        }
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
}
