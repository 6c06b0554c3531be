package dev.tidemill.platform.outbound;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DestinationsTest {
    private final Destinations destinations = new Destinations(List.of());

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://[fe80::1%25lo]/",
                "http://[fe80::1%25eth0]:80/",
                "https://[fe80::1%251]/",
                "http://[fe80::1%25nosuchzone]/",
                "http://[2606:4700::1%25lo]/"
            })
    void anAddressWithAZoneIsRefused(String url) {
        assertThatThrownBy(() -> destinations.requireHttp("url", url))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("network interface");
    }

    @Test
    void anAddressWithAZoneIsNotConnectedTo() {
        assertThatThrownBy(() -> destinations.resolve("[fe80::1%lo]", 80))
                .isInstanceOf(UnknownHostException.class)
                .hasMessageContaining("network interface");
    }
}
