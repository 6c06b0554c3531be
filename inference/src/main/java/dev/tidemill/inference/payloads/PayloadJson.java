package dev.tidemill.inference.payloads;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Payload;
import dev.tidemill.inference.domain.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Requests and answers as bodies of the Open Inference Protocol, whichever wire they came over. */
final class PayloadJson {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private PayloadJson() {}

    static byte[] request(Payload payload) {
        return written(json -> {
            json.writeStringField("id", payload.request().id());
            tensors(json, "inputs", payload.request().inputs());
        });
    }

    static byte[] response(Payload payload) {
        return written(json -> {
            if (payload.error().isPresent()) {
                json.writeStringField("error", payload.error().get());
                return;
            }
            json.writeStringField("model_name", payload.name());
            json.writeStringField(
                    "model_version", Integer.toString(payload.model().version()));
            json.writeStringField("id", payload.request().id());
            tensors(json, "outputs", payload.outputs());
        });
    }

    private interface Fields {
        void write(JsonGenerator json) throws IOException;
    }

    private static byte[] written(Fields fields) {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = MAPPER.createGenerator(bytes)) {
            json.writeStartObject();
            fields.write(json);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static @Nullable Double finite(double number) {
        return Double.isFinite(number) ? number : null;
    }

    private static void tensors(JsonGenerator json, String field, List<Tensor> tensors) throws IOException {
        json.writeArrayFieldStart(field);
        for (Tensor tensor : tensors) {
            json.writeStartObject();
            json.writeStringField("name", tensor.name());
            json.writeFieldName("shape");
            long[] shape = tensor.shape();
            json.writeArray(shape, 0, shape.length);
            json.writeStringField("datatype", tensor.datatype().name());
            json.writeArrayFieldStart("data");
            for (int i = 0; i < tensor.size(); i++) {
                boolean number = tensor.datatype().storage() == Datatype.Storage.NUMBER;
                // As the datatype beside them says, also where they stand for truths.
                json.writeObject(number ? finite(tensor.number(i)) : tensor.value(i));
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
