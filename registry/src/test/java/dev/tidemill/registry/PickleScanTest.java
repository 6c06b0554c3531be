package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.registry.domain.ModelFiles.Verdict;
import dev.tidemill.registry.domain.PickleScan;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;
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
}
