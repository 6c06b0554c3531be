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
        parsed(attribute(out -> {
            out.writeBytes(9, bad);
            out.writeInt32(20, 8);
        }));
        parsed(node(node -> node.writeBytes(6, bad)));
    }

    @Test
    void aFieldOfAnotherWireTypeIsRefused() {
        refused(message(graph -> graph.writeInt64(1, 3)), "'node' of a graph is encoded as another type");
        refused(attribute(out -> out.writeInt32(2, 3)), "'f' of an attribute is encoded as another type");
        refused(attribute(out -> out.writeFixed64(7, 3)), "'floats' of an attribute is encoded as another type");
        refused(message(graph -> graph.writeTag(1, 3)), "there is a group in a graph");
        for (boolean packed : new boolean[] {true, false}) {
            parsed(attribute(out -> {
                if (packed) {
                    out.writeBytes(8, ByteString.copyFrom(new byte[] {1, 2}));
                } else {
                    out.writeInt64(8, 1);
                    out.writeInt64(8, 2);
                }
                out.writeInt32(20, 7);
            }));
        }
    }

    private static ByteString tensor(Content content) {
        return message(graph -> graph.writeBytes(5, message(content)));
    }

    /** ONNX Runtime goes by an attribute's type, and takes the raw bytes of a tensor before its lists. */
    @Test
    void whatHasTwoValuesIsRefused() {
        String excluded = "beside another that excludes it";
        refused(
                attribute(out -> {
                    out.writeBytes(5, ByteString.EMPTY);
                    out.writeInt64(8, -1);
                    out.writeInt32(20, 7);
                }),
                "'ints' of an attribute is there twice, or " + excluded);
        refused(
                attribute(out -> {
                    out.writeInt64(3, 1);
                    out.writeString(21, "given");
                    out.writeInt32(20, 2);
                }),
                "'ref_attr_name' of an attribute is there twice, or " + excluded);
        refused(
                tensor(held -> {
                    held.writeInt64(1, 2);
                    held.writeInt32(2, 7);
                    held.writeInt64(7, 0);
                    held.writeBytes(9, ByteString.copyFrom(new byte[16]));
                }),
                "'raw_data' of a tensor is there twice, or " + excluded);
        refused(
                tensor(held -> {
                    held.writeInt32(2, 6);
                    held.writeInt32(5, 0);
                    held.writeInt64(7, 0);
                }),
                "'int64_data' of a tensor is there twice, or " + excluded);
        // A list of nothing, which some writers leave behind, is no value.
        parsed(tensor(held -> {
            held.writeInt64(1, 1);
            held.writeInt32(2, 7);
            held.writeBytes(7, ByteString.EMPTY);
            held.writeBytes(9, ByteString.copyFrom(new byte[8]));
        }));
    }

    @Test
    void aValueIsWhereItsTypeSays() {
        refused(
                attribute(out -> out.writeInt64(8, -1)),
                "is in its field 'ints', which is not the one of its type (0)");
        refused(
                attribute(out -> {
                    out.writeBytes(5, ByteString.EMPTY);
                    out.writeInt32(20, 7);
                }),
                "is in its field 't', which is not the one of its type (7)");
        // A setting of nothing but its type is an empty list, or the number that is left out as it is 0.
        parsed(attribute(out -> out.writeInt32(20, 7)));
        refused(
                tensor(held -> {
                    held.writeInt32(2, 7);
                    held.writeInt32(5, 1);
                }),
                "is in its field 'int32_data', which is not the one of its type (7)");
        refused(
                tensor(held -> {
                    held.writeInt32(2, 8);
                    held.writeBytes(9, ByteString.EMPTY);
                }),
                "'raw_data', which is not the one of its type (8)");
        for (int type : new int[] {2, 3, 4, 5, 6, 9, 10, 16, 17, 21, 22, 23}) {
            parsed(tensor(held -> {
                held.writeInt32(2, type);
                held.writeInt32(5, 1);
            }));
        }
    }

    private static void twice(Content graph) {
        refused(message(graph), "the value 'd' is made twice");
        refused(
                attribute(out -> {
                    out.writeBytes(6, message(graph));
                    out.writeInt32(20, 5);
                }),
                "the value 'd' is made twice");
    }

    /** ONNX Runtime takes the sparse tensor, the last constant, or the last of the held ones. */
    @Test
    void aValueThatIsMadeTwiceIsRefused() {
        ByteString held = message(tensor -> tensor.writeString(8, "d"));
        ByteString sparse = message(one -> one.writeBytes(1, held));
        ByteString node = message(one -> one.writeString(2, "d"));
        ByteString input = message(one -> one.writeString(1, "d"));
        twice(graph -> {
            graph.writeBytes(5, held);
            graph.writeBytes(15, sparse);
        });
        twice(graph -> {
            graph.writeBytes(5, held);
            graph.writeBytes(5, held);
        });
        twice(graph -> {
            graph.writeBytes(1, node);
            graph.writeBytes(5, held);
        });
        twice(graph -> {
            graph.writeBytes(1, node);
            graph.writeBytes(1, node);
        });
        twice(graph -> {
            graph.writeBytes(1, node);
            graph.writeBytes(11, input);
        });
        byte[] function = message(model -> {
                    model.writeBytes(7, ByteString.EMPTY);
                    model.writeBytes(25, message(one -> {
                        one.writeString(4, "d");
                        one.writeBytes(7, node);
                    }));
                })
                .toByteArray();
        assertThatThrownBy(() -> OnnxGraph.parse(function)).hasMessageContaining("the value 'd' is made twice");
        // An input with a default, outputs that are left out, and a graph within that hides what is around it.
        ByteString inner = attribute(out -> {
            out.writeBytes(6, message(graph -> graph.writeBytes(1, node)));
            out.writeInt32(20, 5);
        });
        parsed(message(graph -> {
            graph.writeBytes(5, held);
            graph.writeBytes(11, input);
            graph.writeRawBytes(inner);
            graph.writeBytes(1, message(one -> {
                one.writeString(2, "");
                one.writeString(2, "");
            }));
        }));
    }

    private static Content constant(Content... attributes) {
        return node -> {
            node.writeString(4, "Constant");
            for (Content one : attributes) {
                node.writeBytes(5, message(one));
            }
        };
    }

    /** ONNX Runtime reads the first attribute of a constant by its type, whatever its name. */
    @Test
    void aConstantHasOneAttributeOfItsNamesType() {
        Content wholes = out -> {
            out.writeString(1, "value_ints");
            out.writeInt64(8, -1);
            out.writeInt32(20, 7);
        };
        Content tensor = out -> {
            out.writeString(1, "value");
            out.writeBytes(5, ByteString.EMPTY);
            out.writeInt32(20, 4);
        };
        Content forged = out -> {
            out.writeString(1, "value");
            out.writeInt64(8, -1);
            out.writeInt32(20, 7);
        };
        parsed(node(constant(wholes)));
        parsed(node(constant(tensor)));
        refused(node(constant(wholes, tensor)), "a Constant of it has 2 attributes");
        refused(node(constant()), "a Constant of it has 0 attributes");
        refused(node(constant(forged)), "'value' of a Constant of it is of another type (7)");
        refused(
                node(node -> {
                    node.writeBytes(5, message(wholes));
                    node.writeBytes(5, message(wholes));
                }),
                "the attribute 'value_ints' twice");
    }

    @Test
    void messagesAreFollowedToADepth() {
        ByteString graph = ByteString.EMPTY;
        for (int i = 0; i < 5_000; i++) {
            ByteString inner = graph;
            graph = attribute(out -> {
                out.writeBytes(6, inner);
                out.writeInt32(20, 5);
            });
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
