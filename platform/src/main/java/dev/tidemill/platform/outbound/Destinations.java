package dev.tidemill.platform.outbound;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Decides where the server may connect on behalf of users: public addresses, and those internal hosts that the operator
 * has named. Names are judged by the addresses they resolve to, at the moment of connecting.
 */
public final class Destinations {
    /** Four decimal numbers without leading zeros, which would be octal to some. */
    private static final Pattern DOTTED = Pattern.compile("(0|[1-9]\\d{0,2})(\\.(0|[1-9]\\d{0,2})){3}");

    private final List<String> allowedInternal;

    /** @param allowedInternal {@code host} or {@code host:port} entries, each an exact match */
    public Destinations(List<String> allowedInternal) {
        this.allowedInternal = allowedInternal.stream()
                .map(entry -> entry.strip().toLowerCase(Locale.ROOT))
                .toList();
    }

    /**
     * Checks an address that somebody wants the server to call later: its shape, and where it leads as far as that is known by
     * now. It is judged again whenever it is called, since a name may come to mean another address.
     */
    public URI requireHttp(String field, String text) {
        URI uri = shape(field, text);
        String host = plain(uri.getHost());
        if (hasZone(host)) {
            throw TidemillException.invalid(
                            field,
                            "'" + host
                                    + "' names a network interface of this machine, which only internal addresses do")
                    .remedy("Leave out the zone, from '%' on");
        }
        if (endsInNumber(host) && !DOTTED.matcher(host).matches()) {
            throw TidemillException.invalid(
                            field, "'" + host + "' is an IPv4 address in a form that programs read differently")
                    .remedy("Write it as four decimal numbers, such as 192.0.2.1");
        }
        try {
            resolve(host, port(uri));
        } catch (UnknownHostException e) {
            // A name may be made after the webhook is.
        } catch (TidemillException internal) {
            throw TidemillException.invalid(field, internal.message())
                    .remedy(internal.remedy().orElse(""));
        }
        return uri;
    }

    private static int port(URI uri) {
        int usual = "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
        return uri.getPort() < 0 ? usual : uri.getPort();
    }

    private static String plain(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    private static boolean hasZone(String host) {
        return host.indexOf('%') >= 0;
    }

    /** As the URL standard has it: such a host is an IPv4 address in some form, decimal, octal, hexadecimal or short. */
    private static boolean endsInNumber(String host) {
        return host.substring(host.lastIndexOf('.') + 1).matches("\\d+|0x[0-9a-f]*");
    }

    private static URI shape(String field, String text) {
        try {
            URI uri = new URI(text);
            String scheme = uri.getScheme();
            if (uri.getHost() != null
                    && uri.getRawUserInfo() == null
                    && ("http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme))) {
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
        String name = plain(host);
        if (hasZone(name)) {
            throw new UnknownHostException("'" + host + "' names a network interface");
        }
        if (endsInNumber(name) && !DOTTED.matcher(name).matches()) {
            throw new UnknownHostException("'" + host + "' is no IPv4 address of four decimal numbers");
        }
        InetAddress[] addresses = InetAddress.getAllByName(host);
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

    /**
     * Unique local fc00::/7, documentation 2001:db8::/32, and every form that can hide an internal IPv4 address: compatible
     * ::/96, mapped ::ffff:0:0/96 and translated ::ffff:0:0:0/96, NAT64 64:ff9b::/16, Teredo 2001::/32 and 6to4 2002::/16.
     */
    private static boolean isReservedV6(byte[] b) {
        int first = (b[0] & 0xFF) << 8 | b[1] & 0xFF;
        int second = (b[2] & 0xFF) << 8 | b[3] & 0xFF;
        boolean fromV4 = first == 0 && second == 0 && b[4] == 0 && b[5] == 0 && b[6] == 0 && b[7] == 0;
        return (first & 0xFE00) == 0xFC00
                || fromV4
                || (first == 0x64 && second == 0xFF9B)
                || (first == 0x2001 && (second == 0 || second == 0xDB8))
                || first == 0x2002;
    }
}
