package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class ApiTest {
    @Test
    void anAddressIsReadAsPeopleWriteIt() {
        assertThat(Api.address("127.0.0.1:18600")).isEqualTo("http://127.0.0.1:18600");
        assertThat(Api.address("localhost:8080/")).isEqualTo("http://localhost:8080");
        assertThat(Api.address("https://ml.example.org/tidemill/")).isEqualTo("https://ml.example.org/tidemill");
        assertThat(Api.address("http://[::1]:8080")).isEqualTo("http://[::1]:8080");
        for (String wrong : List.of("", "ftp://host", "http://", "http://a b", "http://host?x=1", "http://host:port")) {
            assertThatThrownBy(() -> Api.address(wrong))
                    .as(wrong)
                    .isInstanceOf(CliException.class)
                    .hasMessageContaining("is not a server's address");
        }
    }
}
