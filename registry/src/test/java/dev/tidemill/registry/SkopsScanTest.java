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

    private static String vectorizer(String input) {
        String text = node("JsonNode", "builtins", "str", "\"content\": \"\\\"" + input + "\\\"\", \"is_json\": true");
        String state = node("DictNode", "builtins", "dict", "\"content\": {\"input\": " + text + "}");
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
