package dev.tidemill.inference.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.registry.domain.Signature;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FeatureTableTest {
    @Test
    void aWholeNumberThatASignatureDeclaresIsGivenAsItIsThoughTheModelRoundsIt() {
        var signature = new Signature(
                List.of(new Signature.Field("at", "long"), new Signature.Field("amount", "double")), List.of());
        var table =
                new FeatureTable(2, Optional.of(signature), List.of("at", "amount"), "input", Datatype.FP32, List.of());
        List<Tensor> sent = List.of(
                ColumnValues.column("at", List.of(1_700_000_000_001L)),
                ColumnValues.column("amount", List.of(16_777_217L)));
        List<Tensor> fitted = InputBinding.fit(table.specs(), sent);
        assertThat(table.rows(fitted)[0]).containsExactly(1_700_000_000_001.0, 16_777_217.0);
    }
}
