package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.registry.domain.ModelFiles.Verdict;
import dev.tidemill.registry.domain.PickleScan;
import dev.tidemill.registry.mlflow.SkopsScan;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a skops file rebuilds is judged as a pickle's is, by the kind that loads each node. */
class SkopsScanTest {
    private static final String CHECK = "sklearn.utils.validation";

    private static PickleScan.Found scan(String node) {
        return SkopsScan.scan(("{\"protocol\": 2, " + node.substring(1)).getBytes(StandardCharsets.UTF_8));
    }

    private static String node(String kind, String module, String name, String more) {
        return "{\"__loader__\": \"" + kind + "\", \"__module__\": \"" + module + "\", \"__class__\": \"" + name + "\""
                + (more.isEmpty() ? "" : ", " + more) + "}";
    }

    private static String partial(String function) {
        return node(
                "PartialNode",
                "functools",
                "partial",
                "\"content\": {\"func\": " + function + ", \"args\": "
                        + node("TupleNode", "builtins", "tuple", "\"content\": []") + "}");
    }

    private static String text(String content, String more) {
        return node(
                "JsonNode", "builtins", "str", "\"content\": \"\\\"" + content + "\\\"\", \"is_json\": true" + more);
    }

    private static String list(String... nodes) {
        return node("ListNode", "builtins", "list", "\"content\": [" + String.join(",", nodes) + "]");
    }

    private static String dictionary(String type, String value, String more) {
        return node(
                "DictNode",
                "builtins",
                "dict",
                "\"content\": {\"input\": " + value + "}, \"key_types\": " + list(type) + more);
    }

    private static String type(String module, String name) {
        return node("TypeNode", module, name, "");
    }

    private static String vectorizer(String input) {
        return vectorizerOf(dictionary(type("builtins", "str"), text(input, ""), ""));
    }

    private static String vectorizerOf(String state) {
        return node("ObjectNode", "sklearn.feature_extraction.text", "CountVectorizer", "\"content\": " + state);
    }

    @Test
    void dataIsAllowed() {
        assertThat(scan(vectorizer("content")).verdict()).isEqualTo(Verdict.ALLOWED);
        assertThat(scan(partial(node("FunctionNode", CHECK, "check_array", ""))).verdict())
                .isEqualTo(Verdict.ALLOWED);
        assertThat(scan(node("NdArrayNode", "numpy", "ndarray", "\"type\": \"numpy\", \"file\": \"1.npy\""))
                        .verdict())
                .isEqualTo(Verdict.ALLOWED);
    }

    /** A method is any attribute of what it is asked of, whatever name the node itself has. */
    @ParameterizedTest
    @ValueSource(strings = {"MethodNode", "OperatorFuncNode", "SomethingNode", ""})
    void kindsThatAreNotKnownToBeDataAreRefused(String kind) {
        assertThat(scan(node(kind, CHECK, "check_array", "\"content\": {\"func\": \"__globals__\"}"))
                        .refused())
                .anyMatch(reason -> reason.contains("a node of the kind"));
    }

    @Test
    void partialCallsAreOfOneFunction() {
        String method = node("MethodNode", CHECK, "check_array", "");
        for (String function : new String[] {method, node("FunctionNode", "numpy", "absolute", "")}) {
            assertThat(scan(partial(function)).refused()).anyMatch(reason -> reason.contains("a partial call of"));
        }
    }

    @Test
    void vectorizersThatOpenFilesAreRefused() {
        for (String input : new String[] {"filename", "file"}) {
            assertThat(scan(vectorizer(input)).refused()).anyMatch(reason -> reason.contains("input=" + input));
        }
        assertThat(scan(node("ObjectNode", "sklearn.feature_extraction.text", "CountVectorizer", ""))
                        .refused())
                .anyMatch(reason -> reason.contains("cannot be followed"));
    }

    @Test
    void functionsAreNotCalledAsContainers() {
        assertThat(scan(node("ListNode", CHECK, "check_array", "\"content\": []"))
                        .refused())
                .containsExactly("a call of " + CHECK + ".check_array");
        assertThat(scan(node("ObjectNode", CHECK, "check_array", "")).refused())
                .containsExactly("an instance of " + CHECK + ".check_array");
    }

    @Test
    void anIdStandsForOneObject() {
        String first = node("MethodNode", "os", "system", "\"__id__\": 7");
        String second = node("FunctionNode", CHECK, "check_array", "\"__id__\": 7");
        assertThat(scan(node("ListNode", "builtins", "list", "\"content\": [" + first + "," + second + "]"))
                        .refused())
                .contains("two objects under the id 7");
    }

    /** Skops takes what it has read under an id first, and looks at no later content. */
    @Test
    void whatStandsUnderOneIdIsTheSameEverywhere() {
        String hidden = text("filename", ", \"__id__\": 9");
        String shown = vectorizerOf(dictionary(type("builtins", "str"), text("content", ", \"__id__\": 9"), ""));
        assertThat(scan(list(hidden, shown)).refused()).contains("two objects under the id 9");
        assertThat(scan(list(shown, hidden)).refused()).contains("two objects under the id 9");
        assertThat(scan(list(text("content", ", \"__id__\": 9"), shown)).verdict())
                .isEqualTo(Verdict.ALLOWED);
        for (String id : new String[] {"9.0", "true", "\"9\"", "null", "{}"}) {
            assertThat(scan(list(text("content", ", \"__id__\": " + id))).refused())
                    .contains("an object whose id is no integer");
        }
        assertThat(scan(list(shown, "{\"__id__\": 9}")).refused())
                .contains("an object that does not say what loads it");
    }

    /** A dictionary that is written twice has lists of types of its own each time, and bytes files of their own. */
    @Test
    void idsAndFilesWithinMayBeOthers() {
        var twice = new String[2];
        for (int i = 0; i < 2; i++) {
            String bytes = node("BytesNode", "builtins", "bytes", "\"file\": \"" + i + ".bin\", \"__id__\": 5");
            String type = node("TypeNode", "builtins", "str", "\"__id__\": " + (100 + i));
            twice[i] = dictionary(type, bytes, ", \"__id__\": 3");
        }
        assertThat(scan(list(twice)).refused()).isEmpty();
        // In a dictionary's content it is no name of a file, but a key.
        String other = dictionary(type("builtins", "str"), text("b", ""), ", \"__id__\": 3")
                .replace("input", "file");
        String one = dictionary(type("builtins", "str"), text("a", ""), ", \"__id__\": 3")
                .replace("input", "file");
        assertThat(scan(list(one, other)).refused()).contains("two objects under the id 3");
    }

    @Test
    void keysArePlainValues() {
        for (String plain : new String[] {"int64", "str_", "float32", "bool_"}) {
            assertThat(scan(dictionary(type("numpy", plain), text("a", ""), "")).refused())
                    .isEmpty();
        }
        assertThat(scan(dictionary(type(CHECK, "check_array"), text("a", ""), ""))
                        .refused())
                .contains("a call of " + CHECK + ".check_array with a key");
        assertThat(scan(dictionary(node("FunctionNode", CHECK, "check_array", ""), text("a", ""), ""))
                        .refused())
                .contains("a call of " + CHECK + ".check_array with a key");
        assertThat(scan(node("DictNode", "builtins", "dict", "\"content\": {}")).refused())
                .anyMatch(reason -> reason.contains("cannot be followed"));
        assertThat(scan(vectorizerOf(dictionary(type("numpy", "str_"), text("content", ""), "")))
                        .refused())
                .anyMatch(reason -> reason.contains("cannot be followed"));
    }

    /** The class that an array names is called with the array. */
    @Test
    void arraysAreOfArraysAndNumbers() {
        for (String plain : new String[] {"ndarray", "float64", "str_", "datetime64"}) {
            assertThat(scan(node("NdArrayNode", "numpy", plain, "\"type\": \"numpy\", \"file\": \"1.npy\""))
                            .refused())
                    .isEmpty();
        }
        assertThat(scan(node("NdArrayNode", CHECK, "check_array", "\"type\": \"numpy\", \"file\": \"1.npy\""))
                        .refused())
                .containsExactly("a call of " + CHECK + ".check_array");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"protocol\": 0}",
                "{\"protocol\": 0.0}",
                "{}",
                "[]",
                "{\"protocol\": 2, \"a\": 1, \"a\": 2}",
                "{"
            })
    void whatIsReadOtherwiseElsewhereIsUnreadable(String schema) {
        assertThat(SkopsScan.scan(schema.getBytes(StandardCharsets.UTF_8)).verdict())
                .isEqualTo(Verdict.UNREADABLE);
    }
}
