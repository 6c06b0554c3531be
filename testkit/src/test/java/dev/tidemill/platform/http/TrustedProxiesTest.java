package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrustedProxiesTest {
    private static final TrustedProxies PROXIES = TrustedProxies.of(List.of("10.0.0.0/8", "192.0.2.7", "fd00::/8"));

    private static List<String> headers(String text) {
        return text == null ? List.of() : List.of(text.split("\\|"));
    }

    /** Several headers of one name are parted by a bar. */
    @ParameterizedTest
    @CsvSource({
        "203.0.113.9, 198.51.100.1, 203.0.113.9",
        "10.1.2.3, , 10.1.2.3",
        "10.1.2.3, 198.51.100.1, 198.51.100.1",
        "10.1.2.3, '1.1.1.1, 198.51.100.1', 198.51.100.1",
        "10.1.2.3, '1.1.1.1, 198.51.100.1, 10.9.9.9,192.0.2.7', 198.51.100.1",
        "10.1.2.3, 1.1.1.1|198.51.100.1|10.9.9.9, 198.51.100.1",
        "10.1.2.3, 10.4.4.4, 10.4.4.4",
        "10.1.2.3, '10.5.5.5, 10.4.4.4', 10.5.5.5",
        "10.1.2.3, 198.51.100.1:5123, 198.51.100.1",
        "fd00::1, [2001:db8::5]:443, 2001:db8::5",
        "fd00::1, 2001:db8::5, 2001:db8::5",
        "10.1.2.3, ::ffff:198.51.100.1, 198.51.100.1",
        "10.1.2.3, '198.51.100.1, unknown', 10.1.2.3",
        "10.1.2.3, '198.51.100.1, 127.1', 10.1.2.3",
        "10.1.2.3, '198.51.100.1, evil.example', 10.1.2.3",
        "10.1.2.3, ',', 10.1.2.3",
        "192.0.2.8, 198.51.100.1, 192.0.2.8"
    })
    void xForwardedFor(String peer, String header, String client) throws Exception {
        assertThat(PROXIES.client(InetAddress.ofLiteral(peer), headers(header), List.of()))
                .isEqualTo(InetAddress.ofLiteral(client));
    }

    @ParameterizedTest
    @CsvSource({
        "10.1.2.3, for=198.51.100.1, 198.51.100.1",
        "10.1.2.3, 'for=1.1.1.1, For=\"198.51.100.1:80\";proto=https', 198.51.100.1",
        "10.1.2.3, 'proto=http; for=\"[2001:db8::5]:99\" ;by=10.1.1.1', 2001:db8::5",
        "10.1.2.3, 'for=198.51.100.1|for=10.2.2.2', 198.51.100.1",
        "10.1.2.3, 'for=198.51.100.1, for=_hidden', 10.1.2.3",
        "10.1.2.3, by=198.51.100.1, 10.1.2.3",
        "203.0.113.9, for=198.51.100.1, 203.0.113.9"
    })
    void forwarded(String peer, String header, String client) throws Exception {
        assertThat(PROXIES.client(InetAddress.ofLiteral(peer), List.of(), headers(header)))
                .isEqualTo(InetAddress.ofLiteral(client));
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.0/33", "10/8", "proxy.example", "fd00::/129", "1.2.3.4/", "*", "10.0.0.0/8 ,x"})
    void whatIsNoNetworkIsRefused(String text) {
        assertThatThrownBy(() -> TrustedProxies.of(List.of(text)))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining(text);
    }
}
