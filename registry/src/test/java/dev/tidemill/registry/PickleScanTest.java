package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.registry.domain.ModelFiles.Verdict;
import dev.tidemill.registry.domain.PickleScan;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** Pickles as Python writes them, and as somebody writes them who wants to be let through. */
class PickleScanTest {
    private static PickleScan.Found scan(byte[] content) {
        return PickleScan.scan(new ByteArrayInputStream(content));
    }

    private static byte[] latin(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** SHORT_BINUNICODE. */
    private static String text(String value) {
        return "\u008c" + (char) value.length() + value;
    }

    @Test
    void dataAloneIsAllowed() {
        // pickle.dumps({'a': [1, 2.5, (None, True)], 'b': 'x' * 3}, 4)
        byte[] data = latin("\u0080\u0004\u0095\u0026\0\0\0\0\0\0\0}\u0094(" + text("a")
                + "\u0094]\u0094(K\u0001G@\u0004\0\0\0\0\0\0N\u0088\u0086\u0094e" + text("b") + "\u0094" + text("xxx")
                + "\u0094u.");
        assertThat(scan(data)).isEqualTo(new PickleScan.Found(Verdict.ALLOWED, java.util.List.of()));
    }

    @Test
    void whatIsOnTheListIsAllowedAndNothingElse() {
        assertThat(scan(latin("\u0080\u0002ccollections\nOrderedDict\nq\0)R.")).verdict())
                .isEqualTo(Verdict.ALLOWED);
        assertThat(scan(latin("\u0080\u0004" + text("sklearn.linear_model._logistic") + text("LogisticRegression")
                                + "\u0093)\u0081."))
                        .verdict())
                .isEqualTo(Verdict.ALLOWED);
        assertThat(scan(latin("cposix\nsystem\n(S'id'\ntR.")).refused()).containsExactly("posix.system");
        assertThat(scan(latin("\u0080\u0004" + text("builtins") + text("eval") + "\u0093" + text("1") + "\u0085R."))
                        .refused())
                .containsExactly("builtins.eval");
        assertThat(scan(latin("(S'id'\nios\nsystem\n.")).refused()).containsExactly("os.system");
        // A dotted name reaches through an allowed class into something else.
        assertThat(scan(latin("\u0080\u0004" + text("builtins") + text("set.__init__.__globals__") + "\u0093."))
                        .verdict())
                .isEqualTo(Verdict.REFUSED);
        assertThat(scan(latin("\u0080\u0004" + text("sklearn.utils") + text("Bunch.x") + "\u0093."))
                        .verdict())
                .isEqualTo(Verdict.REFUSED);
        assertThat(scan(latin("\u0080\u0004" + text("sklearn.datasets") + text("load_files") + "\u0093."))
                        .verdict())
                .isEqualTo(Verdict.REFUSED);
        assertThat(scan(latin("csklearnevil\nX\n.")).verdict()).isEqualTo(Verdict.REFUSED);
    }

    private static String vectorizer(String name, String state) {
        return "\u0080\u0004" + text("sklearn.feature_extraction.text") + text(name) + "\u0093)\u0081" + state + "b.";
    }

    @Test
    void whatOpensFilesThatCallersNameIsRefused() {
        String input = text("input");
        for (String name : new String[] {"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"}) {
            for (String kind : new String[] {"filename", "file"}) {
                for (String state : new String[] {
                    "}(" + text("lowercase") + "\u0088" + input + text(kind) + "u",
                    "}" + input + text(kind) + "s",
                    "(" + input + text(kind) + "d",
                    // The same twice; through the memo; through another name of the dictionary.
                    "}" + input + text("content") + "s" + input + text(kind) + "s",
                    input + "\u00940" + text(kind) + "\u00940}h\0h\u0001s",
                    "}\u0094h\0" + input + text(kind) + "s0",
                    // Set first as it should be, and then anew.
                    "}" + input + text("content") + "sb}" + input + text(kind) + "s"
                }) {
                    assertThat(scan(latin(vectorizer(name, state))).refused())
                            .as(state)
                            .containsExactly("sklearn.feature_extraction.text." + name + " with input=" + kind
                                    + ", which opens what callers give");
                }
            }
        }
        // A value or a key that was made rather than read, and a state that is no plain dictionary.
        for (String state : new String[] {
            "}" + input + "Ns",
            "}" + "N" + text("filename") + "s",
            "ccollections\nOrderedDict\n)R" + input + text("filename") + "s",
            "}}" + input + text("filename") + "s\u0086",
            "N"
        }) {
            assertThat(scan(latin(vectorizer("CountVectorizer", state))).verdict())
                    .as(state)
                    .isEqualTo(Verdict.REFUSED);
        }
        for (String state : new String[] {
            "}(" + input + text("content") + text("lowercase") + "\u0088u",
            "}(" + input + text("content") + text("vocabulary_") + "}(" + text("file") + "K\u0001" + input
                    + "K\u0002uu",
            "}" + text("lowercase") + "\u0088s"
        }) {
            assertThat(scan(latin(vectorizer("CountVectorizer", state))))
                    .as(state)
                    .isEqualTo(new PickleScan.Found(Verdict.ALLOWED, java.util.List.of()));
        }
    }

    @Test
    void namesHiddenBehindTheStackOrTheMemoAreSeen() {
        // The allowed name is folded into a tuple and dropped; what is left on the stack is os.system.
        String evil = text("os") + text("system");
        String good = text("builtins") + text("set");
        for (String fold : new String[] {"\u00860", "0" + "0", "(" + good + "t0" + "00"}) {
            PickleScan.Found found = scan(latin("\u0080\u0004" + evil + good + fold + "\u0093."));
            assertThat(found.refused()).as(fold).contains("os.system");
        }
        assertThat(scan(latin("\u0080\u0004" + evil + "(" + good + "1\u0093.")).refused())
                .containsExactly("os.system");
        // Through the memo, and by duplicating.
        assertThat(scan(latin("\u0080\u0004" + text("os") + "\u0094" + text("system") + "\u00940" + "0"
                                + "h\0h\u0001\u0093."))
                        .refused())
                .containsExactly("os.system");
        // A name that comes out of a call cannot be judged.
        assertThat(scan(latin("\u0080\u0004" + text("os") + "cbuiltins\nstr\n" + text("system") + "\u0085R\u0093."))
                        .verdict())
                .isEqualTo(Verdict.REFUSED);
        assertThat(scan(latin("\u0080\u0002\u0082\u0001.")).verdict()).isEqualTo(Verdict.REFUSED);
        assertThat(scan(latin("\u0080\u0002K\u0001Q.")).verdict()).isEqualTo(Verdict.REFUSED);
    }

    @Test
    void whatCannotBeReadThroughIsNeverAllowed() {
        for (String broken : new String[] {
            "",
            "\u0080\u0004",
            "\u0080\u0004\u0093.",
            "0.",
            "(",
            "t.",
            "\u00ff",
            "X\u00ff\u00ff\u00ff\u00ff",
            "g5\n.",
            "h\u0007.",
            "(q\0.",
            "\u0080\u0004(0R.",
            "\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff",
            "not a pickle"
        }) {
            assertThat(scan(latin(broken)).verdict()).as(broken).isNotEqualTo(Verdict.ALLOWED);
        }
    }

    @Test
    void anyBytesEndAndNoneAreLetThroughThatNameWhatIsNotListed() {
        var random = new Random(42);
        byte[] evil = latin("cos\nsystem\n(S'x'\ntR");
        for (int i = 0; i < 20_000; i++) {
            var content = new ByteArrayOutputStream();
            byte[] noise = new byte[random.nextInt(12)];
            random.nextBytes(noise);
            content.writeBytes(noise);
            content.writeBytes(evil);
            byte[] after = new byte[random.nextInt(8)];
            random.nextBytes(after);
            content.writeBytes(after);
            content.write('.');
            PickleScan.Found found = scan(content.toByteArray());
            // Noise may end the pickle, or make a text of what follows; then the unpickler does not run it either.
            if (noise.length == 0) {
                assertThat(found.verdict()).isNotEqualTo(Verdict.ALLOWED);
            }
        }
    }

    /** How libraries pickle a class's instance in protocol 2 and above. */
    private static String made(String module, String name) {
        return "\u0080\u0002c" + module + "\n" + name + "\n)\u0081";
    }

    @Test
    void aListedNameIsUsedOnlyAsPicklesOfItsLibraryUseIt() {
        assertThat(scan(latin(made("sklearn.linear_model._base", "LinearRegression") + "}b."))
                        .verdict())
                .isEqualTo(Verdict.ALLOWED);
        // Its initialiser may be given a path to read.
        assertThat(scan(latin("\u0080\u0002cxgboost.core\nBooster\n)R.")).refused())
                .containsExactly("a call of xgboost.core.Booster");
        assertThat(scan(latin(made("xgboost.core", "Booster") + "}b.")).verdict())
                .isEqualTo(Verdict.ALLOWED);
        // The state of a class is everybody's.
        assertThat(scan(latin("\u0080\u0002csklearn.linear_model._base\nLinearRegression\n}b."))
                        .refused())
                .containsExactly("the state of sklearn.linear_model._base.LinearRegression");
        assertThat(scan(latin("\u0080\u0002cnumpy\ndtype\n}K\u0001K\u0001s.")).verdict())
                .isEqualTo(Verdict.ALLOWED);
        assertThat(scan(latin("\u0080\u0002cnumpy\ndtype\nK\u0001K\u0001s.")).refused())
                .containsExactly("a change of numpy.dtype");
        // What a call gave is no name that may be called, nor is data.
        assertThat(scan(latin("\u0080\u0002ccollections\nOrderedDict\n)R)R.")).verdict())
                .isEqualTo(Verdict.REFUSED);
        assertThat(scan(latin("\u0080\u0002K\u0001)R.")).verdict()).isEqualTo(Verdict.REFUSED);
        assertThat(scan(latin("\u0080\u0002]}b.")).verdict()).isEqualTo(Verdict.REFUSED);
        // The same by the names of the oldest protocol.
        assertThat(scan(latin("(ixgboost.core\nBooster\n.")).refused())
                .containsExactly("a call of xgboost.core.Booster");
        assertThat(scan(latin("(cxgboost.core\nBooster\no.")).refused())
                .containsExactly("a call of xgboost.core.Booster");
        assertThat(scan(latin("ccopy_reg\n_reconstructor\n(csklearn.linear_model._base\nLinearRegression\n"
                                + "c__builtin__\nobject\nNtR(dp0\nb."))
                        .verdict())
                .isEqualTo(Verdict.ALLOWED);
        assertThat(scan(latin("ccopy_reg\n_reconstructor\n(cnumpy\nlog1p\nc__builtin__\nobject\nNtR."))
                        .verdict())
                .isEqualTo(Verdict.REFUSED);
        String partial = "\u0080\u0002cfunctools\npartial\n";
        String check = "csklearn.utils.validation\ncheck_array\n";
        assertThat(scan(latin(partial + check + "\u0085R(" + check + ")}Ntb.")).verdict())
                .isEqualTo(Verdict.ALLOWED);
        assertThat(scan(latin(partial + "cxgboost.core\nBooster\n\u0085R.")).verdict())
                .isEqualTo(Verdict.REFUSED);
        assertThat(scan(latin(partial + check + "\u0085R(cxgboost.core\nBooster\n)}Ntb."))
                        .verdict())
                .isEqualTo(Verdict.REFUSED);
        // numpy.random calls what it is given.
        assertThat(scan(latin(
                                "\u0080\u0002cnumpy.random._pickle\n__generator_ctor\nX\u0001\0\0\0xcpathlib\nPosixPath\n\u0086R."))
                        .refused())
                .containsExactly("a call by numpy.random of pathlib.PosixPath");
    }

    @Test
    void nothingMayFollowThePicklesEnd() {
        assertThat(scan(latin("\u0080\u0004}.")).verdict()).isEqualTo(Verdict.ALLOWED);
        for (String after : new String[] {"x", "\0", "\u0080\u0004}.", "cos\nsystem\n(S'id'\ntR.", "PK\u0003\u0004"}) {
            assertThat(scan(latin("\u0080\u0004}." + after)).refused()).containsExactly("bytes after the pickle's end");
        }
    }

    @Test
    void namesThatImportOrOpenWhatTheyAreGivenAreNotListed() {
        for (String name : new String[] {
            "sklearn.datasets._covtype GzipFile",
            "sklearn.datasets GzipFile",
            "sklearn.utils Bunch.x",
            "sklearn.externals.joblib Memory",
            "numpy.core _ufunc_reconstruct",
            "numpy._core _ufunc_reconstruct",
            "numpy load",
            "numpy memmap",
            "numpy.lib.npyio load",
            "pandas.io.pickle read_pickle",
            "joblib.numpy_pickle NumpyArrayWrapper",
            "cloudpickle.cloudpickle _make_function",
            "cloudpickle.cloudpickle subimport",
            "pickle loads",
            "_pickle loads",
            "builtins getattr",
            "builtins type",
            "operator attrgetter",
            "importlib import_module",
            "scipy.stats._distn_infrastructure rv_continuous_frozen",
            "__main__ Model",
        }) {
            String[] parts = name.split(" ");
            assertThat(PickleScan.isAllowed(parts[0], parts[1])).as(name).isFalse();
        }
    }

    /** Every callable that is an attribute of a listed module, as the libraries have it in the versions of the list. */
    @Test
    void whatOtherModulesReExportIsRefused() throws IOException {
        int allowed = 0;
        int refused = 0;
        try (var lines = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(PickleScanTest.class.getResourceAsStream("pickle-reachable.txt.gz")),
                StandardCharsets.UTF_8))) {
            String line;
            while ((line = lines.readLine()) != null) {
                String[] parts = line.split(" ");
                if (!PickleScan.isAllowed(parts[0], parts[1])) {
                    refused++;
                } else {
                    allowed++;
                    // Functions in C and ufuncs do not tell their module.
                    assertThat(parts[2].equals("?") || PickleScan.isAllowed(parts[2], parts[3]))
                            .as(line)
                            .isTrue();
                }
            }
        }
        assertThat(allowed).isGreaterThan(900);
        assertThat(refused).isGreaterThan(5_000);
    }
}
