package dev.tidemill.inference.runtime;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.registry.domain.Signature;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** MLflow's types, of columns and of tensors, as those of the Open Inference Protocol. */
public final class SignatureTypes {
    private SignatureTypes() {}

    /** The datatype of a column's type such as {@code double}; empty for one that has no place in the protocol. */
    public static Optional<Datatype> column(String type) {
        return switch (type) {
            case "boolean" -> Optional.of(Datatype.BOOL);
            case "integer" -> Optional.of(Datatype.INT32);
            case "long" -> Optional.of(Datatype.INT64);
            case "float" -> Optional.of(Datatype.FP32);
            case "double" -> Optional.of(Datatype.FP64);
            case "string", "binary", "datetime" -> Optional.of(Datatype.BYTES);
            default -> Optional.empty();
        };
    }

    /** The datatype of numpy's name for it, such as {@code float32}. */
    static Optional<Datatype> array(String dtype) {
        return switch (dtype) {
            case "bool" -> Optional.of(Datatype.BOOL);
            case "int8" -> Optional.of(Datatype.INT8);
            case "int16" -> Optional.of(Datatype.INT16);
            case "int32" -> Optional.of(Datatype.INT32);
            case "int64" -> Optional.of(Datatype.INT64);
            case "uint8" -> Optional.of(Datatype.UINT8);
            case "uint16" -> Optional.of(Datatype.UINT16);
            case "uint32" -> Optional.of(Datatype.UINT32);
            case "uint64" -> Optional.of(Datatype.UINT64);
            case "float16" -> Optional.of(Datatype.FP16);
            case "float32" -> Optional.of(Datatype.FP32);
            case "float64" -> Optional.of(Datatype.FP64);
            case "object", "str" -> Optional.of(Datatype.BYTES);
            default -> Optional.empty();
        };
    }

    /**
     * A side of a signature as specs.
     *
     * @param only name of an only field that has none
     * @return empty if a field's type has no place in the protocol
     */
    public static Optional<List<TensorSpec>> specs(List<Signature.Field> fields, String only) {
        List<TensorSpec> specs = new ArrayList<>();
        for (int i = 0; i < fields.size(); i++) {
            Signature.Field field = fields.get(i);
            String name = field.name().isEmpty() ? fields.size() == 1 ? only : only + "-" + i : field.name();
            int bracket = field.type().indexOf('[');
            Optional<TensorSpec> spec = bracket < 0
                    ? column(field.type()).map(datatype -> column(name, datatype, field))
                    : array(field.type().substring(0, bracket))
                            .map(datatype -> new TensorSpec(name, datatype, shape(field.type(), bracket), false));
            if (spec.isEmpty()) {
                return Optional.empty();
            }
            specs.add(spec.get());
        }
        return Optional.of(specs);
    }

    /** A column; texts may be missing, since Python has a word for it. */
    private static TensorSpec column(String name, Datatype datatype, Signature.Field field) {
        TensorSpec spec = TensorSpec.column(name, datatype, field.optional()).withStrict();
        spec = datatype == Datatype.BYTES ? spec.withMissing() : spec;
        return field.type().equals("binary") ? spec.withEncoded() : spec;
    }

    private static List<Long> shape(String type, int bracket) {
        List<Long> shape = new ArrayList<>();
        for (String size : type.substring(bracket + 1, type.length() - 1).split(",")) {
            if (!size.isBlank()) {
                shape.add(Long.parseLong(size.strip()));
            }
        }
        return shape.isEmpty() ? List.of(-1L) : shape;
    }
}
