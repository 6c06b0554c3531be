package dev.tidemill.wires.oip;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.RawTensors;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.spec.inference.InferParameter;
import dev.tidemill.spec.inference.InferTensorContents;
import dev.tidemill.spec.inference.ModelInferRequest;
import dev.tidemill.spec.inference.ModelInferResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The Open Inference Protocol's protobuf messages, with typed contents or raw little-endian bytes. */
final class InferenceProto {
    private InferenceProto() {}

    static WireRequest request(ModelInferRequest message) {
        int raw = message.getRawInputContentsCount();
        if (raw != 0 && raw != message.getInputsCount()) {
            throw TidemillException.invalid(
                    "raw_input_contents",
                    "There are " + message.getInputsCount() + " inputs, but " + raw + " raw contents");
        }
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < message.getInputsCount(); i++) {
            ModelInferRequest.InferInputTensor input = message.getInputs(i);
            if (raw != 0 && input.hasContents()) {
                throw TidemillException.invalid(
                        "inputs",
                        "contents field must not be specified when using raw_input_contents for '" + input.getName()
                                + "' for model '" + message.getModelName() + "'");
            }
            Datatype datatype = Datatype.of(input.getName(), input.getDatatype());
            long[] shape =
                    input.getShapeList().stream().mapToLong(Long::longValue).toArray();
            tensors.add(
                    raw == 0
                            ? typed(input.getName(), datatype, shape, input.getContents())
                            : RawTensors.read(
                                    input.getName(),
                                    datatype,
                                    shape,
                                    message.getRawInputContents(i).asReadOnlyByteBuffer()));
        }
        Map<String, Object> parameters = new HashMap<>();
        message.getParametersMap().forEach((name, value) -> parameters.put(name, parameter(value)));
        return new WireRequest(
                Optional.of(message.getId()),
                parameters,
                tensors,
                message.getOutputsList().stream()
                        .map(output -> {
                            Map<String, Object> told = new HashMap<>();
                            output.getParametersMap().forEach((key, value) -> told.put(key, parameter(value)));
                            told.remove("binary_data");
                            return WireRequest.RequestedOutput.of(output.getName(), told);
                        })
                        .toList(),
                true);
    }

    private static Object parameter(InferParameter value) {
        return switch (value.getParameterChoiceCase()) {
            case BOOL_PARAM -> value.getBoolParam();
            case INT64_PARAM -> value.getInt64Param();
            case DOUBLE_PARAM -> value.getDoubleParam();
            case UINT64_PARAM -> value.getUint64Param();
            default -> value.getStringParam();
        };
    }

    /** All values must be in the one list that the datatype names; others would be lost. */
    private static void checkContents(String name, Datatype datatype, InferTensorContents contents) {
        int all = contents.getAllFields().values().stream()
                .mapToInt(list -> ((List<?>) list).size())
                .sum();
        int own =
                switch (datatype) {
                    case BOOL -> contents.getBoolContentsCount();
                    case INT8, INT16, INT32 -> contents.getIntContentsCount();
                    case INT64 -> contents.getInt64ContentsCount();
                    case UINT8, UINT16, UINT32 -> contents.getUintContentsCount();
                    case UINT64 -> contents.getUint64ContentsCount();
                    case FP32 -> contents.getFp32ContentsCount();
                    case FP64 -> contents.getFp64ContentsCount();
                    case BYTES -> contents.getBytesContentsCount();
                    case FP16, BF16 -> all;
                };
        if (own != all) {
            throw TidemillException.invalid(
                    "contents", "Input '" + name + "' is " + datatype + ", but has values of another datatype");
        }
    }

    private static Tensor typed(String name, Datatype datatype, long[] shape, InferTensorContents contents) {
        checkContents(name, datatype, contents);
        return switch (datatype) {
            case BOOL ->
                wholes(
                        name,
                        datatype,
                        shape,
                        contents.getBoolContentsList().stream()
                                .mapToLong(value -> value ? 1 : 0)
                                .toArray());
            case INT8, INT16, INT32 ->
                wholes(
                        name,
                        datatype,
                        shape,
                        contents.getIntContentsList().stream()
                                .mapToLong(Integer::longValue)
                                .toArray());
            case INT64 ->
                wholes(
                        name,
                        datatype,
                        shape,
                        contents.getInt64ContentsList().stream()
                                .mapToLong(Long::longValue)
                                .toArray());
            case UINT8, UINT16, UINT32 ->
                wholes(
                        name,
                        datatype,
                        shape,
                        contents.getUintContentsList().stream()
                                .mapToLong(Integer::toUnsignedLong)
                                .toArray());
            case UINT64 ->
                wholes(
                        name,
                        datatype,
                        shape,
                        contents.getUint64ContentsList().stream()
                                .mapToLong(Long::longValue)
                                .toArray());
            case FP32 ->
                Tensor.numbers(
                        name,
                        datatype,
                        shape,
                        contents.getFp32ContentsList().stream()
                                .mapToDouble(Float::doubleValue)
                                .toArray());
            case FP64 ->
                Tensor.numbers(
                        name,
                        datatype,
                        shape,
                        contents.getFp64ContentsList().stream()
                                .mapToDouble(Double::doubleValue)
                                .toArray());
            case BYTES ->
                Tensor.texts(
                        name,
                        shape,
                        contents.getBytesContentsList().stream()
                                .map(ByteString::toByteArray)
                                .toArray(byte[][]::new));
            case FP16, BF16 ->
                throw TidemillException.invalid(
                        "datatype", datatype + " of input '" + name + "' travels in raw_input_contents only");
        };
    }

    private static Tensor wholes(String name, Datatype datatype, long[] shape, long[] values) {
        int bits = 8 * datatype.width();
        for (long value : values) {
            boolean signed = datatype == Datatype.INT8 || datatype == Datatype.INT16;
            boolean narrow = datatype == Datatype.UINT8 || datatype == Datatype.UINT16;
            if ((narrow && value >>> bits != 0) || (signed && (value < -1L << bits - 1 || value >= 1L << bits - 1))) {
                throw TidemillException.invalid(
                        "contents", value + " in input '" + name + "' does not fit " + datatype);
            }
        }
        return Tensor.wholes(name, datatype, shape, values);
    }

    /** Outputs always travel raw: Triton's client reads nothing else, and the others read it too. */
    static ModelInferResponse response(
            String name, WireRequest wire, InferenceRequest request, InferenceAnswer answer) {
        var response = ModelInferResponse.newBuilder()
                .setModelName(name)
                .setModelVersion(Integer.toString(answer.version().version()))
                .setId(request.id())
                .putParameters("model", parameter(answer.version().reference()))
                .putParameters("route", parameter(answer.route().text()));
        if (!answer.warnings().isEmpty()) {
            response.putParameters("warning", parameter(String.join("; ", answer.warnings())));
        }
        if (!answer.classes().isEmpty()) {
            response.putParameters("classes", parameter(Json.write(answer.classes())));
        }
        List<Tensor> outputs = InferenceJson.chosen(wire, answer);
        // Once in the message, and once as it is sent.
        AnswerMemory.take(2 * outputs.stream().mapToLong(RawTensors::size).sum());
        for (Tensor tensor : outputs) {
            var output = response.addOutputsBuilder()
                    .setName(tensor.name())
                    .setDatatype(tensor.datatype().name());
            for (long size : tensor.shape()) {
                output.addShape(size);
            }
            response.addRawOutputContents(UnsafeByteOperations.unsafeWrap(RawTensors.write(tensor)));
        }
        return response.build();
    }

    private static InferParameter parameter(String text) {
        return InferParameter.newBuilder().setStringParam(text).build();
    }
}
