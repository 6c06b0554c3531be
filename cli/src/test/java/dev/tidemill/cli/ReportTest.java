package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ReportTest {
    @Test
    void errorsAreShownToThreeSignificantDigits() {
        assertThat(Report.error(0.9078)).isEqualTo("0.908");
        assertThat(Report.error(0.8012)).isEqualTo("0.801");
        assertThat(Report.error(0.01234)).isEqualTo("0.0123");
        assertThat(Report.error(4.456)).isEqualTo("4.46");
        assertThat(Report.error(41.23)).isEqualTo("41.2");
        assertThat(Report.error(1234.56)).isEqualTo("1234.6");
        assertThat(Report.error(0)).isEqualTo("0.00");
    }
}
