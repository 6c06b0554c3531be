package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Values never change silently: what a model takes is what was sent, or the request is refused. */
class ValueBindingTest {
    private static TensorSpec column(Datatype datatype) {
        return TensorSpec.column("x", datatype, false);
    }

    private static Tensor fitted(Datatype datatype, @Nullable Object... values) {
        return ValueBinding.fitted(column(datatype), ColumnValues.column("x", Arrays.asList(values)));
    }

    private static void refused(String message, Datatype datatype, @Nullable Object... values) {
        assertThatThrownBy(() -> fitted(datatype, values))
                .as(datatype + " " + Arrays.toString(values))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining(message);
    }

    @Test
    void whatIsMissingIsNoZeroNoFalsehoodAndNoEmptyText() {
        refused("Value 1 of 'x' is missing", Datatype.INT64, 1L, null);
        refused("Value 0 of 'x' is missing", Datatype.BOOL, null, true);
        refused("Value 1 of 'x' is missing", Datatype.BYTES, "a", null);
        Tensor texts = ValueBinding.fitted(
                column(Datatype.BYTES).withMissing(), ColumnValues.column("x", Arrays.asList("a", null)));
        assertThat(texts.text(1)).isNull();
        Tensor wholes = ValueBinding.fitted(
                column(Datatype.INT64).withMissing(), ColumnValues.column("x", Arrays.asList(1L, null)));
        assertThat(wholes.value(0)).isEqualTo(1.0);
        assertThat(wholes.value(1)).isNull();
    }

    @Test
    void aColumnOfNothingButMissingValuesIsOneOfAnyDatatype() {
        refused("Value 0 of 'x' is missing", Datatype.BYTES, (Object) null);
        for (Datatype datatype : List.of(Datatype.BYTES, Datatype.INT64, Datatype.BOOL, Datatype.FP64)) {
            Tensor missing = ValueBinding.fitted(
                    column(datatype).withMissing(), ColumnValues.column("x", Arrays.asList(null, null)));
            assertThat(missing.value(0)).as(datatype.name()).isNull();
            assertThat(missing.size()).isEqualTo(2);
        }
    }

    @Test
    void aWholeNumberThatFloatingPointDoesNotHoldIsRefusedWithItsValue() {
        assertThat(fitted(Datatype.FP32, 16_777_216L, -16_777_216L, 16_777_218L, 1L << 62, 0L)
                        .number(2))
                .isEqualTo(16_777_218.0);
        refused("Value 1 of 'x' is 16777217, which FP32", Datatype.FP32, 1L, 16_777_217L);
        refused("is -16777217, which FP32", Datatype.FP32, -16_777_217L);
        assertThat(fitted(Datatype.FP64, 9_007_199_254_740_992L, Long.MIN_VALUE).number(1))
                .isEqualTo(-0x1p63);
        refused("is 9007199254740993, which FP64", Datatype.FP64, 9_007_199_254_740_993L);
        refused("is " + Long.MAX_VALUE + ", which FP64", Datatype.FP64, Long.MAX_VALUE);
        refused("is 2049, which FP16", Datatype.FP16, 2_049L);
        refused("is 65536, which FP16", Datatype.FP16, 65_536L);
        refused("is 257, which BF16", Datatype.BF16, 257L);
        refused("is '16777217', which FP32", Datatype.FP32, "16777217");
        refused("is '9007199254740993', which FP64", Datatype.FP64, "9007199254740993");
        assertThat(fitted(Datatype.FP64, "0.1", "9007199254740992").number(0)).isEqualTo(0.1);
        Tensor unsigned = Tensor.wholes("x", Datatype.UINT64, new long[] {2}, new long[] {Long.MIN_VALUE, -1});
        assertThatThrownBy(() -> ValueBinding.fitted(column(Datatype.FP64), unsigned))
                .hasMessageContaining("Value 1 of 'x' is 18446744073709551615, which FP64");
    }

    @Test
    void whatAFloatingPointDatatypeHasNoRoomForIsRefused() {
        refused("is 1.0E39, which is no FP32", Datatype.FP32, 1e39);
        refused("is 65520.0, which is no FP16", Datatype.FP16, 65_520.0);
        refused("is 3.4E38, which is no BF16", Datatype.BF16, 3.4e38);
        assertThat(fitted(Datatype.FP32, Double.POSITIVE_INFINITY).number(0)).isEqualTo(Double.POSITIVE_INFINITY);
    }

    @Test
    void columnsMakeAMatrixWithoutBeingChanged() {
        var matrix = new TensorSpec("m", Datatype.INT64, List.of(-1L, 2L), false);
        List<Tensor> columns = List.of(
                ColumnValues.column("a", List.of(9_007_199_254_740_993L)),
                ColumnValues.column("b", List.of(Long.MAX_VALUE)));
        Tensor fit = InputBinding.fit(List.of(matrix), columns).getFirst();
        assertThat(List.of(fit.whole(0), fit.whole(1))).containsExactly(9_007_199_254_740_993L, Long.MAX_VALUE);
        assertThatThrownBy(() -> InputBinding.matrix("m", Datatype.FP32, columns, 1))
                .hasMessageContaining("Value 0 of 'a' is 9007199254740993, which FP32");
    }

    @Test
    void aTruthIsNoNumberWhereASignatureSaysNumber() {
        for (Datatype datatype : List.of(Datatype.FP64, Datatype.FP32, Datatype.INT64)) {
            TensorSpec strict = column(datatype).withMissing().withStrict();
            for (List<? extends @Nullable Object> truths :
                    List.of(List.of(true, false), Arrays.asList(true, null), List.of(3L, true))) {
                assertThatThrownBy(() -> ValueBinding.fitted(strict, ColumnValues.column("x", truths)))
                        .hasMessageContaining("'x' holds true or false; the model takes " + datatype);
            }
            assertThat(ValueBinding.fitted(strict, ColumnValues.column("x", List.of(1L)))
                            .number(0))
                    .isEqualTo(1);
        }
        TensorSpec truths = column(Datatype.BOOL).withMissing().withStrict();
        assertThat(ValueBinding.fitted(truths, ColumnValues.column("x", Arrays.asList(true, null)))
                        .number(0))
                .isEqualTo(1);
        // Where nothing is told of the columns, a data frame's truths are numbers, as to the libraries.
        assertThat(fitted(Datatype.FP32, true, false).number(0)).isEqualTo(1);
    }

    @Test
    void aWholeNumberIsOne() {
        refused("is 1.5, which is no INT64", Datatype.INT64, 1.5);
        assertThat(fitted(Datatype.INT64, 2.0).value(0)).isEqualTo(2L);
        refused("is 300, which is no UINT8", Datatype.UINT8, 300L);
        refused("is -1, which is no UINT64", Datatype.UINT64, -1L);
        refused("is 9.223372036854776E18, which is no INT64", Datatype.INT64, 0x1p63);
        refused("which is no BOOL", Datatype.BOOL, 2L);
        refused("which is no INT32", Datatype.INT32, 1e300);
        assertThat(fitted(Datatype.UINT64, new BigInteger("18446744073709551615"))
                        .value(0))
                .isEqualTo(new BigInteger("18446744073709551615"));
    }

    @Test
    void aNumberDoesNotBecomeAnInfinity() {
        refused("is 1.0E39, which is no FP32", Datatype.FP32, 1e39);
        refused("is 70000.0, which is no FP16", Datatype.FP16, 70_000.0);
        assertThat(fitted(Datatype.FP32, Double.POSITIVE_INFINITY).number(0)).isInfinite();
        refused("'1e999', which is no FP64", Datatype.FP64, "1e999");
    }

    @Test
    void textsThatStandForNumbersAreReadWhereTheyWereWritten() {
        assertThat(fitted(Datatype.FP64, "1.5", "-2", "nan").number(0)).isEqualTo(1.5);
        // As an import of the same texts has them, which a model has learnt from.
        for (String nan : List.of("-nan", "+NaN", "nan(1)", " -nan(x_1)")) {
            assertThat(fitted(Datatype.FP64, "1.5", nan).number(1)).as(nan).isNaN();
        }
        assertThat(fitted(Datatype.INT64, "9007199254740993").whole(0)).isEqualTo(9_007_199_254_740_993L);
        assertThat(fitted(Datatype.FP64, "1.5", 2L).number(1)).isEqualTo(2);
        assertThat(fitted(Datatype.BOOL, "True", "false").whole(0)).isEqualTo(1);
        refused("is 'abc', which is no FP64", Datatype.FP64, "abc");
        refused("is '1d', which is no FP64", Datatype.FP64, "1d");
        refused("is '1.5', which is no INT64", Datatype.INT64, "1.5");
        // The protocol's own BYTES are no writing.
        assertThatThrownBy(() -> ValueBinding.fitted(
                        column(Datatype.FP64), Tensor.texts("x", new long[] {1}, new byte[][] {{'1'}})))
                .hasMessageContaining("is BYTES; the model takes FP64");
    }

    @Test
    void numbersAreNoTexts() {
        refused("is INT64; the model takes BYTES", Datatype.BYTES, 5L);
        refused("holds texts and other values", Datatype.BYTES, "a", 5L);
    }

    @Test
    void bytesAreWrittenAsBase64WhereTheSignatureSaysBinary() {
        TensorSpec binary = column(Datatype.BYTES).withEncoded();
        Tensor decoded = ValueBinding.fitted(binary, ColumnValues.column("x", List.of("//4A\n")));
        assertThat(decoded.bytes(0)).containsExactly(0xff, 0xfe, 0);
        assertThatThrownBy(() -> ValueBinding.fitted(binary, ColumnValues.column("x", List.of("?"))))
                .hasMessageContaining("is not Base64");
        byte[] raw = {(byte) 0xff, 0};
        assertThat(ValueBinding.fitted(binary, Tensor.texts("x", new long[] {1}, new byte[][] {raw}))
                        .bytes(0))
                .containsExactly(raw);
    }

    @Test
    void aColumnOfTextsIsWhatTheModelTakes() {
        Tensor zips = ColumnValues.written("x", List.of("01234", "5"));
        assertThat(zips.value(0)).isEqualTo(1234L);
        assertThat(ValueBinding.fitted(column(Datatype.BYTES), zips).text(0)).isEqualTo("01234");
        assertThat(ValueBinding.fitted(column(Datatype.FP64), zips).number(0)).isEqualTo(1234);
        assertThat(ColumnValues.written("x", List.of("True", "False")).datatype())
                .isEqualTo(Datatype.BOOL);
        assertThat(ColumnValues.written("x", List.of("1d")).datatype()).isEqualTo(Datatype.BYTES);
        assertThat(ColumnValues.written("x", List.of("18446744073709551615")).datatype())
                .isEqualTo(Datatype.UINT64);
    }

    /** Whatever whole number is sent as whichever datatype, a model gets that number or the request is refused. */
    @Test
    void everyWholeNumberArrivesOrIsRefused() {
        var random = new Random(1);
        List<Datatype> wholes = Arrays.stream(Datatype.values())
                .filter(datatype -> datatype.storage() == Datatype.Storage.WHOLE && datatype != Datatype.BOOL)
                .toList();
        List<Boolean> arrived = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            BigInteger sent = new BigInteger(1 + random.nextInt(70), random)
                    .multiply(BigInteger.valueOf(random.nextBoolean() ? 1 : -1));
            Datatype wanted = wholes.get(random.nextInt(wholes.size()));
            Object written =
                    random.nextBoolean() ? sent.toString() : sent.bitLength() < 64 ? (Object) sent.longValue() : sent;
            boolean signed = wanted.name().startsWith("I");
            int bits = 8 * wanted.width();
            boolean fits = signed ? sent.bitLength() < bits : sent.signum() >= 0 && sent.bitLength() <= bits;
            try {
                Tensor got = fitted(wanted, written);
                assertThat(fits).as(sent + " as " + wanted).isTrue();
                assertThat(new BigInteger(String.valueOf(got.value(0)))).isEqualTo(sent);
            } catch (TidemillException e) {
                assertThat(fits).as(sent + " as " + wanted).isFalse();
            }
            arrived.add(fits);
        }
        assertThat(Collections.frequency(arrived, true)).isBetween(4_000, 16_000);
    }

    @Test
    void bytesThatAreNoTextStayBytes() {
        byte[] raw = {(byte) 0xc3, 0x28};
        Tensor tensor = Tensor.texts("x", new long[] {2}, new byte[][] {raw, "ü".getBytes(StandardCharsets.UTF_8)});
        assertThat(tensor.utf8(0)).isEmpty();
        assertThat(tensor.utf8(1)).contains("ü");
        assertThat(ValueBinding.fitted(column(Datatype.BYTES), tensor).bytes(0)).isEqualTo(raw);
    }

    /** What is journalled is what was said, also where a number stands for it within. */
    @Test
    void aTruthBesideAMissingOneIsStillATruth() {
        Tensor column = ColumnValues.column("x", Arrays.asList(true, null, false));
        assertThat(values(column)).containsExactly(true, null, false);
        Tensor fitted = ValueBinding.fitted(column(Datatype.BOOL).withMissing(), column);
        assertThat(values(fitted)).containsExactly(true, null, false);
        Tensor numbers = ValueBinding.fitted(
                column(Datatype.BOOL).withMissing(), ColumnValues.column("x", Arrays.asList(1, null, 0.0)));
        assertThat(values(numbers)).containsExactly(true, null, false);
        assertThat(values(ColumnValues.column("x", Arrays.asList(true, null, 3.5))))
                .containsExactly(1.0, null, 3.5);
    }

    static List<@Nullable Object> values(Tensor tensor) {
        List<@Nullable Object> values = new ArrayList<>();
        for (int i = 0; i < tensor.size(); i++) {
            values.add(tensor.value(i));
        }
        return values;
    }
}
