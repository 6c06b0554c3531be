package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.TidemillException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reverse proxies that are believed when they say for whom they ask. What anybody else says of it is not read: who may write the
 * header could be whoever they like. Immutable.
 */
public final class TrustedProxies {
    /** Nobody is believed. */
    public static final TrustedProxies NONE = new TrustedProxies(List.of());

    private static final Pattern NETWORK = Pattern.compile("([0-9A-Fa-f:.]+)(?:/(\\d{1,3}))?");
    private static final Pattern IPV4 = Pattern.compile("(?:\\d{1,3}\\.){3}\\d{1,3}");
    /** An address as either header writes it: with a port or without, an IPv6 address in brackets or bare. */
    private static final Pattern NODE = Pattern.compile(
            "\\[(?<six>[0-9A-Fa-f:.]+)](?::\\d{1,5})?|(?<four>[0-9.]+)(?::\\d{1,5})?|(?<bare>[0-9A-Fa-f:.]+)");

    /** {@code for} of one element of {@code Forwarded} (RFC 7239, 4). */
    private static final Pattern FOR =
            Pattern.compile("(?:^|;)\\s*for\\s*=\\s*(?:\"([^\"]*)\"|([^;\\s]*))\\s*(?:;|$)", Pattern.CASE_INSENSITIVE);

    private record Network(byte[] address, int bits) {
        boolean has(InetAddress other) {
            byte[] bytes = other.getAddress();
            if (bytes.length != address.length) {
                return false;
            }
            for (int bit = 0; bit < bits; bit++) {
                int mask = 0x80 >> bit % 8;
                if ((bytes[bit / 8] & mask) != (address[bit / 8] & mask)) {
                    return false;
                }
            }
            return true;
        }
    }

    private final List<Network> networks;

    private TrustedProxies(List<Network> networks) {
        this.networks = networks;
    }

    /**
     * @param networks addresses, or networks as CIDR writes them, such as {@code 10.0.0.0/8} and {@code fd00::/8}
     * @throws TidemillException {@code INVALID_ARGUMENT} for what is neither
     */
    public static TrustedProxies of(List<String> networks) {
        var parsed = new ArrayList<Network>();
        for (String text : networks) {
            Matcher matcher = NETWORK.matcher(text);
            Optional<InetAddress> address = matcher.matches() ? literal(matcher.group(1)) : Optional.empty();
            if (address.isEmpty()) {
                throw refused(text);
            }
            int most = address.get().getAddress().length * 8;
            int bits = matcher.group(2) == null ? most : Integer.parseInt(matcher.group(2));
            if (bits > most) {
                throw refused(text);
            }
            parsed.add(new Network(address.get().getAddress(), bits));
        }
        return new TrustedProxies(List.copyOf(parsed));
    }

    private static TidemillException refused(String text) {
        return TidemillException.invalid("http.trusted-proxies", "'" + text + "' is neither an address nor a network")
                .remedy("Write networks such as 10.0.0.0/8 or fd00::/8, with commas between them");
    }

    /** Whether what comes from there is of many. */
    public boolean trusts(InetAddress address) {
        return networks.stream().anyMatch(network -> network.has(address));
    }

    /**
     * For whom a request is: the right-most address in the chain of proxies that is no trusted one. Each proxy adds at the right
     * whom it was asked by, so that what stands further left is only what that one says.
     *
     * @param peer at the other end of the connection
     * @param forwardedFor values of {@code X-Forwarded-For}, in their order
     * @param forwarded values of {@code Forwarded}; read where the other is not there
     */
    InetAddress client(InetAddress peer, List<String> forwardedFor, List<String> forwarded) {
        List<String> chain = forwardedFor.isEmpty()
                ? split(forwarded).stream().map(TrustedProxies::nodeOf).toList()
                : split(forwardedFor);
        InetAddress client = peer;
        for (int i = chain.size() - 1; i >= 0 && trusts(client); i--) {
            Optional<InetAddress> said = node(chain.get(i));
            if (said.isEmpty()) {
                // Not told by a trusted one: unknown, or a name of its own.
                return client;
            }
            client = said.get();
        }
        return client;
    }

    private static List<String> split(List<String> values) {
        return values.stream()
                .flatMap(value -> List.of(value.split(",")).stream())
                .map(String::strip)
                .toList();
    }

    private static String nodeOf(String element) {
        Matcher matcher = FOR.matcher(element);
        if (!matcher.find()) {
            return "";
        }
        return matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
    }

    private static Optional<InetAddress> node(String text) {
        Matcher matcher = NODE.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return literal(
                matcher.group("six") != null
                        ? matcher.group("six")
                        : matcher.group("four") != null ? matcher.group("four") : matcher.group("bare"));
    }

    /** Nothing is looked up: an address is written in digits, an IPv4 one in all four numbers. */
    private static Optional<InetAddress> literal(String text) {
        if (text.indexOf(':') < 0 && !IPV4.matcher(text).matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(InetAddress.ofLiteral(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
