package dev.tidemill.inference.api;

import com.google.protobuf.ByteString;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.InputTensor;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.spec.inference.InferParameter;
import dev.tidemill.spec.inference.InferTensorContents;
import dev.tidemill.spec.inference.ModelInferRequest;
import dev.tidemill.spec.inference.ModelInferResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The Open Inference Protocol's protobuf messages, with typed contents or raw little-endian bytes. */
final class InferenceProto {
    private InferenceProto() {}

    static InferenceRequest request(ModelInferRequest message, Clock clock) {
        int raw = message.getRawInputContentsCount();
        if (raw != 0 && raw != message.getInputsCount()) {
            throw TidemillException.invalid(
                    "raw_input_contents",
                    "There are " + message.getInputsCount() + " inputs, but " + raw + " raw contents");
        }
        List<InputTensor> tensors = new ArrayList<>();
        for (int i = 0; i < message.getInputsCount(); i++) {
            ModelInferRequest.InferInputTensor input = message.getInputs(i);
            if (raw != 0 && input.hasContents()) {
                throw TidemillException.invalid(
                        "inputs", "Input '" + input.getName() + "' has contents beside raw_input_contents");
            }
            List<@Nullable Object> values = raw == 0
                    ? typed(input.getName(), input.getDatatype(), input.getContents())
                    : raw(input.getName(), input.getDatatype(), message.getRawInputContents(i));
            tensors.add(new InputTensor(input.getName(), input.getDatatype(), input.getShapeList(), values));
        }
        return InferenceRequest.of(
                Optional.of(message.getId()),
                text(message, "event_time"),
                text(message, "entity"),
                tensors,
                clock.instant());
    }

    private static Optional<String> text(ModelInferRequest message, String parameter) {
        return Optional.ofNullable(message.getParametersMap().get(parameter)).map(InferParameter::getStringParam);
    }

    private static List<@Nullable Object> typed(String name, String datatype, InferTensorContents contents) {
        List<?> values =
                switch (datatype) {
                    case "BOOL" -> contents.getBoolContentsList();
                    case "INT8", "INT16", "INT32" -> contents.getIntContentsList();
                    case "INT64" -> contents.getInt64ContentsList();
                    case "UINT8", "UINT16", "UINT32" ->
                        contents.getUintContentsList().stream()
                                .map(Integer::toUnsignedLong)
                                .toList();
                    case "UINT64" -> contents.getUint64ContentsList();
                    case "FP32" -> contents.getFp32ContentsList();
                    case "FP64" -> contents.getFp64ContentsList();
                    case "BYTES" ->
                        contents.getBytesContentsList().stream()
                                .map(ByteString::toStringUtf8)
                                .toList();
                    case "FP16" ->
                        throw TidemillException.invalid(
                                "datatype", "FP16 of input '" + name + "' travels in raw_input_contents only");
                    default -> throw unknown(name, datatype);
                };
        return present(values);
    }

    private static List<@Nullable Object> raw(String name, String datatype, ByteString content) {
        ByteBuffer bytes = content.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        int width =
                switch (datatype) {
                    case "BOOL", "INT8", "UINT8" -> 1;
                    case "INT16", "UINT16", "FP16" -> 2;
                    case "INT32", "UINT32", "FP32" -> 4;
                    case "INT64", "UINT64", "FP64" -> 8;
                    case "BYTES" -> 0;
                    default -> throw unknown(name, datatype);
                };
        if (width == 0) {
            return strings(name, bytes);
        }
        if (bytes.remaining() % width != 0) {
            throw TidemillException.invalid(
                    "raw_input_contents",
                    "Input '" + name + "' has " + bytes.remaining() + " bytes, which is no multiple of " + width);
        }
        List<@Nullable Object> values = new ArrayList<>(bytes.remaining() / width);
        while (bytes.hasRemaining()) {
            values.add(one(datatype, bytes));
        }
        return values;
    }

    private static Object one(String datatype, ByteBuffer bytes) {
        return switch (datatype) {
            case "BOOL" -> bytes.get() != 0;
            case "INT8" -> (int) bytes.get();
            case "UINT8" -> Byte.toUnsignedInt(bytes.get());
            case "INT16" -> (int) bytes.getShort();
            case "UINT16" -> Short.toUnsignedInt(bytes.getShort());
            case "FP16" -> Float.float16ToFloat(bytes.getShort());
            case "INT32" -> bytes.getInt();
            case "UINT32" -> Integer.toUnsignedLong(bytes.getInt());
            case "FP32" -> bytes.getFloat();
            case "FP64" -> bytes.getDouble();
            default -> bytes.getLong();
        };
    }

    /** Each element is four bytes of length, then as many bytes. */
    private static List<@Nullable Object> strings(String name, ByteBuffer bytes) {
        List<@Nullable Object> values = new ArrayList<>();
        while (bytes.hasRemaining()) {
            int length = bytes.remaining() < 4 ? -1 : bytes.getInt();
            if (length < 0 || length > bytes.remaining()) {
                throw TidemillException.invalid(
                        "raw_input_contents", "The strings of input '" + name + "' end in the middle of an element");
            }
            byte[] text = new byte[length];
            bytes.get(text);
            values.add(new String(text, StandardCharsets.UTF_8));
        }
        return values;
    }

    private static TidemillException unknown(String name, String datatype) {
        return TidemillException.invalid("datatype", "'" + datatype + "' of tensor '" + name + "' is not a datatype");
    }

    private static List<@Nullable Object> present(List<?> values) {
        return new ArrayList<>(values);
    }

    static ModelInferResponse response(String name, InferenceRequest request, InferenceAnswer answer, boolean raw) {
        List<double[]> predictions = answer.predictions();
        int width = predictions.isEmpty() ? 1 : predictions.getFirst().length;
        var output = ModelInferResponse.InferOutputTensor.newBuilder()
                .setName("prediction")
                .setDatatype("FP64")
                .addShape(predictions.size());
        if (width > 1) {
            output.addShape(width);
        }
        var response = ModelInferResponse.newBuilder()
                .setModelName(name)
                .setModelVersion(Integer.toString(answer.version().version()))
                .setId(request.id())
                .putParameters("model", parameter(answer.version().reference()))
                .putParameters("route", parameter(answer.challenger() ? "challenger" : "champion"));
        if (raw) {
            ByteBuffer bytes = ByteBuffer.allocate(predictions.size() * width * Double.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (double[] prediction : predictions) {
                for (double value : prediction) {
                    bytes.putDouble(value);
                }
            }
            response.addRawOutputContents(ByteString.copyFrom(bytes.flip()));
        } else {
            var contents = InferTensorContents.newBuilder();
            for (double[] prediction : predictions) {
                for (double value : prediction) {
                    contents.addFp64Contents(value);
                }
            }
            output.setContents(contents);
        }
        return response.addOutputs(output).build();
    }

    private static InferParameter parameter(String text) {
        return InferParameter.newBuilder().setStringParam(text).build();
    }
}
