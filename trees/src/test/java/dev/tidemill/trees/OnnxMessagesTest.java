package dev.tidemill.trees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

/** Bytes that two readers would understand differently are no model. */
class OnnxMessagesTest {
    private interface Content {
        void write(CodedOutputStream out) throws IOException;
    }

    private static ByteString message(Content content) {
        var bytes = ByteString.newOutput();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            content.write(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteString();
    }

    private static ByteString node(Content content) {
        return message(graph -> graph.writeBytes(1, message(content)));
    }

    private static ByteString attribute(Content content) {
        return node(node -> node.writeBytes(5, message(content)));
    }

    private static OnnxGraph parsed(ByteString graph) {
        return OnnxGraph.parse(message(model -> model.writeBytes(7, graph)).toByteArray());
    }

    private static void refused(ByteString graph, String why) {
        assertThatThrownBy(() -> parsed(graph))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(why);
    }

    @Test
    void aMessageThatReadersMergeIsRefused() {
        ByteString graph = node(node -> node.writeString(4, "Identity"));
        assertThat(parsed(graph).operations()).hasSize(1);
        byte[] two = message(model -> {
                    model.writeBytes(7, graph);
                    model.writeBytes(7, graph);
                })
                .toByteArray();
        assertThatThrownBy(() -> OnnxGraph.parse(two)).hasMessageContaining("'graph' of a model is there twice");
        ByteString none = ByteString.EMPTY;
        for (int field : new int[] {5, 6, 14, 22}) {
            refused(
                    attribute(out -> {
                        out.writeBytes(field, none);
                        out.writeBytes(field, none);
                    }),
                    "of an attribute is there twice");
        }
        refused(
                message(out -> out.writeBytes(11, message(value -> {
                    value.writeBytes(2, none);
                    value.writeBytes(2, none);
                }))),
                "'type' of a value is there twice");
        refused(
                message(out -> out.writeBytes(
                        11,
                        message(value -> value.writeBytes(2, message(type -> {
                            type.writeBytes(1, none);
                            type.writeBytes(4, none);
                        }))))),
                "'sequence_type' of a type is there twice, or beside another that excludes it");
    }

    @Test
    void namesAreUtf8AlsoInNestedGraphsAndFunctions() {
        ByteString bad = ByteString.copyFrom(new byte[] {'a', (byte) 0xff});
        ByteString named = node(node -> node.writeBytes(1, bad));
        refused(named, "'input' of a node is no UTF-8");
        refused(attribute(out -> out.writeBytes(6, named)), "'input' of a node is no UTF-8");
        refused(message(out -> out.writeBytes(5, message(held -> held.writeBytes(8, bad)))), "'name' of a tensor");
        byte[] function = message(model -> {
                    model.writeBytes(7, ByteString.EMPTY);
                    model.writeBytes(25, message(one -> one.writeBytes(7, message(node -> node.writeBytes(2, bad)))));
                })
                .toByteArray();
        assertThatThrownBy(() -> OnnxGraph.parse(function)).hasMessageContaining("'output' of a node is no UTF-8");
        // Texts that a model computes with, and notes, may be any bytes.
        parsed(attribute(out -> out.writeBytes(9, bad)));
        parsed(node(node -> node.writeBytes(6, bad)));
    }

    @Test
    void aFieldOfAnotherWireTypeIsRefused() {
        refused(message(graph -> graph.writeInt64(1, 3)), "'node' of a graph is encoded as another type");
        refused(attribute(out -> out.writeInt32(2, 3)), "'f' of an attribute is encoded as another type");
        refused(attribute(out -> out.writeFixed64(7, 3)), "'floats' of an attribute is encoded as another type");
        refused(message(graph -> graph.writeTag(1, 3)), "there is a group in a graph");
        parsed(attribute(out -> out.writeBytes(8, ByteString.copyFrom(new byte[] {1, 2}))));
        parsed(attribute(out -> out.writeInt64(8, 1)));
    }

    @Test
    void messagesAreFollowedToADepth() {
        ByteString graph = ByteString.EMPTY;
        for (int i = 0; i < 5_000; i++) {
            ByteString inner = graph;
            graph = attribute(out -> out.writeBytes(6, inner));
        }
        refused(graph, "nested more than " + OnnxMessages.DEEPEST + " deep");
    }

    @Test
    void whatLiesOutsideOfTheFileIsNotKnown() {
        Content list = held -> {
            held.writeInt64(1, 1);
            held.writeInt32(2, 7);
            held.writeInt64(7, 5);
        };
        assertThat(parsed(message(out -> out.writeBytes(5, message(list))))
                        .held()
                        .getFirst()
                        .wholes())
                .containsExactly(5);
        ByteString elsewhere = message(held -> {
            list.write(held);
            held.writeInt32(14, 1);
        });
        assertThat(parsed(message(out -> out.writeBytes(5, elsewhere)))
                        .held()
                        .getFirst()
                        .wholes())
                .isEmpty();
    }
}
