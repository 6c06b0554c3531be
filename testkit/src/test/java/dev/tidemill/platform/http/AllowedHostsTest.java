package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AllowedHostsTest {
    private final AllowedHosts hosts =
            new AllowedHosts(List.of(), List.of("https://ml.example.com"), true, "127.0.0.1");

    @ParameterizedTest
    @CsvSource({
        "http, 127.0.0.1:8080, http://127.0.0.1:8080, true",
        "http, 127.0.0.1:8080, https://127.0.0.1:8080, false",
        "http, localhost:8080, https://localhost:8080, false",
        "http, [::1]:8080, https://[::1]:8080, false",
        "http, 127.0.0.1:8080, http://127.0.0.1:8081, false",
        "http, 127.0.0.1, https://127.0.0.1, false",
        "http, 127.0.0.1:443, https://127.0.0.1, false",
        "http, host.example.com:8080, https://host.example.com:8080, false",
        "http, host.example.com, https://host.example.com, true",
        "http, host.example.com:443, https://host.example.com, true",
        "http, host.example.com, http://host.example.com, true",
        "https, 127.0.0.1:8443, https://127.0.0.1:8443, true",
        "https, 127.0.0.1:8443, http://127.0.0.1:8443, false",
        "https, host.example.com, http://host.example.com, false",
        "http, 127.0.0.1:8080, https://ml.example.com, true",
        "http, 127.0.0.1:8080, null, false",
        "http, 127.0.0.1:8080, ftp://127.0.0.1:8080, false"
    })
    void anOriginIsTheServersOwnOnlyUnderItsOwnScheme(String scheme, String host, String origin, boolean own) {
        assertThat(hosts.allowsOrigin(origin, host, scheme)).isEqualTo(own);
    }
}
