package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RawTensorsTest {
    private static Tensor random(Datatype datatype, Random chance) {
        int rows = chance.nextInt(5);
        int width = chance.nextInt(4);
        long[] shape = {rows, width};
        int size = rows * width;
        return switch (datatype.storage()) {
            case NUMBER ->
                Tensor.numbers(
                        "x",
                        datatype,
                        shape,
                        chance.ints(size, -8, 9)
                                .mapToDouble(one -> chance.nextInt(6) == 0 ? Double.NaN : one / 4.0)
                                .toArray());
            case WHOLE ->
                Tensor.wholes(
                        "x",
                        datatype,
                        shape,
                        chance.longs(size).map(one -> bounded(datatype, one)).toArray());
            case BYTES -> {
                byte[][] texts = new byte[size][];
                for (int i = 0; i < size; i++) {
                    texts[i] = new byte[chance.nextInt(6)];
                    chance.nextBytes(texts[i]);
                }
                yield Tensor.texts("x", shape, texts);
            }
        };
    }

    private static long bounded(Datatype datatype, long value) {
        int unused = 64 - 8 * datatype.width();
        return switch (datatype) {
            case BOOL -> value & 1;
            case UINT8, UINT16, UINT32, UINT64 -> value >>> unused;
            default -> value >> unused;
        };
    }

    @ParameterizedTest
    @EnumSource(Datatype.class)
    void whatIsWrittenIsReadBack(Datatype datatype) {
        for (int seed = 0; seed < 200; seed++) {
            Tensor tensor = random(datatype, new Random(seed));
            ByteBuffer bytes = RawTensors.write(tensor);
            assertThat(bytes.remaining()).isEqualTo(RawTensors.length(tensor));
            Tensor back = RawTensors.read("x", datatype, tensor.shape(), bytes);
            for (int i = 0; i < tensor.size(); i++) {
                if (datatype == Datatype.BYTES) {
                    assertThat(back.bytes(i)).isEqualTo(tensor.bytes(i));
                } else {
                    assertThat(back.value(i)).as("seed %s", seed).isEqualTo(tensor.value(i));
                }
            }
        }
    }

    @Test
    void bytesThatEndInTheMiddleAreRefused() {
        assertThatThrownBy(() -> RawTensors.read("x", Datatype.FP32, new long[] {1}, ByteBuffer.allocate(3)))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("multiple of 4");
        ByteBuffer tooLong = ByteBuffer.wrap(new byte[] {9, 0, 0, 0, 'a'});
        assertThatThrownBy(() -> RawTensors.read("x", Datatype.BYTES, new long[] {1}, tooLong))
                .hasMessageContaining("in the middle");
        ByteBuffer negative = ByteBuffer.wrap(new byte[] {-1, -1, -1, -1});
        assertThatThrownBy(() -> RawTensors.read("x", Datatype.BYTES, new long[] {1}, negative))
                .hasMessageContaining("in the middle");
        assertThatThrownBy(() -> RawTensors.read("x", Datatype.INT64, new long[] {2}, ByteBuffer.allocate(8)))
                .hasMessageContaining("shape [2]");
    }

    @Test
    void shapesThatOverflowAreRefused() {
        long huge = 1L << 62;
        assertThatThrownBy(() -> Tensor.wholes("x", Datatype.INT8, new long[] {huge, 4}, new long[0]))
                .isInstanceOf(TidemillException.class);
        assertThatThrownBy(() -> Tensor.wholes("x", Datatype.INT8, new long[] {-1}, new long[0]))
                .hasMessageContaining("negative");
        assertThat(Tensor.wholes("x", Datatype.INT8, new long[] {0, huge}, new long[0])
                        .size())
                .isZero();
    }
}
