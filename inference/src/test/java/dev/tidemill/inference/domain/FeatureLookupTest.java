package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FeatureLookupTest {
    private static final ServedVersion VERSION =
            new ServedVersion("default", "m", 1, new Digest("0".repeat(64)), false);
    private static final List<TensorSpec> INPUTS =
            List.of(TensorSpec.column("age", Datatype.FP64, false), TensorSpec.column("visits", Datatype.FP64, false));

    /** Knows the visits of some customers. */
    private static final FeatureLookup STORE = (version, given, missing) -> {
        Map<String, Double> visits = Map.of("ann", 3.0, "bob", 5.0);
        Tensor customers = Tensor.named(given, "customer").orElseThrow();
        List<Tensor> found = new ArrayList<>();
        for (TensorSpec spec : missing) {
            if (spec.name().equals("visits")) {
                double[] values = new double[customers.rows()];
                for (int row = 0; row < values.length; row++) {
                    values[row] = visits.getOrDefault(customers.text(row), Double.NaN);
                }
                found.add(Tensor.numbers(spec.name(), spec.datatype(), new long[] {values.length}, values));
            }
        }
        return found;
    };

    @Test
    void whatARequestLeavesOutIsFoundByItsKeys() {
        List<Tensor> given = List.of(
                ColumnValues.column("customer", List.of("bob", "zoe")),
                ColumnValues.column("age", List.of(30.0, 40.0)));
        List<Tensor> fitted = InputBinding.fit(INPUTS, STORE.completed(VERSION, INPUTS, given));
        assertThat(fitted.get(1).number(0)).isEqualTo(5.0);
        assertThat(fitted.get(1).number(1)).isNaN();
    }

    @Test
    void whatARequestBringsIsNotAskedFor() {
        List<Tensor> given =
                List.of(ColumnValues.column("age", List.of(30.0)), ColumnValues.column("visits", List.of(1.0)));
        assertThat(STORE.completed(VERSION, INPUTS, given)).isSameAs(given);
    }

    @Test
    void whatNoStoreHasIsMissing() {
        List<Tensor> given = List.of(ColumnValues.column("age", List.of(30.0)));
        assertThatThrownBy(() -> InputBinding.fit(INPUTS, FeatureLookup.NONE.completed(VERSION, INPUTS, given)))
                .hasMessageContaining("'visits' is missing");
    }
}
