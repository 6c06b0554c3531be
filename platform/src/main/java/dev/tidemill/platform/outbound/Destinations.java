package dev.tidemill.platform.outbound;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Decides where the server may connect on behalf of users: public addresses, and those internal hosts that the operator
 * has named. Names are judged by the addresses they resolve to, at the moment of connecting.
 */
public final class Destinations {
    private final List<String> allowedInternal;

    /** @param allowedInternal {@code host} or {@code host:port} entries, each an exact match */
    public Destinations(List<String> allowedInternal) {
        this.allowedInternal = allowedInternal.stream()
                .map(entry -> entry.strip().toLowerCase(Locale.ROOT))
                .toList();
    }

    /** Checks the shape of an address that somebody wants the server to call later. */
    public URI requireHttp(String field, String text) {
        try {
            URI uri = new URI(text);
            String scheme = uri.getScheme();
            if (uri.getHost() != null
                    && uri.getRawUserInfo() == null
                    && ("http".equals(scheme) || "https".equals(scheme))) {
                return uri;
            }
        } catch (java.net.URISyntaxException e) {
            // refused below, with the value
        }
        throw TidemillException.invalid(field, "'" + text + "' is not an http or https URL");
    }

    /**
     * Resolves the host once; the caller connects to these very addresses.
     *
     * @throws TidemillException {@code PERMISSION_DENIED} if any of them is internal and not allowed
     */
    InetAddress[] resolve(String host, int port) throws UnknownHostException {
        InetAddress[] addresses = InetAddress.getAllByName(host);
        String name = host.toLowerCase(Locale.ROOT);
        if (allowedInternal.contains(name) || allowedInternal.contains(name + ":" + port)) {
            return addresses;
        }
        if (Arrays.stream(addresses).anyMatch(Destinations::isInternal)) {
            throw new TidemillException(
                            ErrorCode.PERMISSION_DENIED, "'" + host + "' is an internal address; it is not called")
                    .remedy("The operator may add '" + host + ":" + port
                            + "' to the setting 'outbound.allow-internal'");
        }
        return addresses;
    }

    static boolean isInternal(InetAddress address) {
        byte[] bytes = address.getAddress();
        return address.isLoopbackAddress()
                || address.isAnyLocalAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress()
                || (bytes.length == 4 ? isReservedV4(bytes) : isReservedV6(bytes));
    }

    /** 0/8, 100.64/10 (carrier-grade NAT), 192.0.0/24, 198.18/15 (benchmarks), 240/4. */
    private static boolean isReservedV4(byte[] b) {
        int first = b[0] & 0xFF;
        int second = b[1] & 0xFF;
        return first == 0
                || (first == 100 && second >= 64 && second < 128)
                || (first == 192 && second == 0 && b[2] == 0)
                || (first == 198 && (second == 18 || second == 19))
                || first >= 240;
    }

    /** Unique local fc00::/7, and the translations 64:ff9b::/96 and 2002::/16 that can hide an internal IPv4 address. */
    private static boolean isReservedV6(byte[] b) {
        int first = b[0] & 0xFF;
        int second = b[1] & 0xFF;
        boolean translated = first == 0 && second == 0x64 && (b[2] & 0xFF) == 0xFF && (b[3] & 0xFF) == 0x9B;
        return (first & 0xFE) == 0xFC || translated || (first == 0x20 && second == 0x02);
    }
}
