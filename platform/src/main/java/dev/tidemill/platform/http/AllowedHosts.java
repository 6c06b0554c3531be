package dev.tidemill.platform.http;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Host names under which the server may be addressed. On loopback this stops DNS rebinding: a page whose name suddenly
 * resolves to 127.0.0.1 still sends its own name as host.
 */
public final class AllowedHosts {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

    private final Set<String> names;
    private final Set<String> origins;
    private final boolean any;

    /**
     * @param configured names without port; {@code *} allows every name
     * @param origins of other pages that may call, such as {@code https://ml.example.com}
     * @param loopback whether the server listens on loopback
     * @param bind the address it listens on
     */
    public AllowedHosts(List<String> configured, List<String> origins, boolean loopback, String bind) {
        var all = new java.util.HashSet<String>(LOOPBACK);
        configured.forEach(name -> all.add(name.strip().toLowerCase(Locale.ROOT)));
        all.add(bind.toLowerCase(Locale.ROOT));
        this.names = Set.copyOf(all);
        this.origins = origins.stream()
                .map(origin -> origin.strip().toLowerCase(Locale.ROOT).replaceFirst("/$", ""))
                .collect(java.util.stream.Collectors.toUnmodifiableSet());
        // A server on a public address demands credentials that no foreign page holds; only origins are checked there.
        this.any = all.contains("*") || (!loopback && configured.isEmpty());
    }

    boolean allows(String hostHeader) {
        return any || names.contains(withoutPort(hostHeader.toLowerCase(Locale.ROOT)));
    }

    /**
     * Whether a page of this origin may call: one of this very host and port, or one that the operator has named. Another port
     * of the same machine is somebody else's page, and so is one of the other scheme: {@code https} of a server that speaks plain
     * {@code http} is taken for its own only where a proxy that ends TLS may stand before it, on a name that is not loopback's and
     * on the usual port.
     *
     * @param scheme of the connection that the request came on
     */
    boolean allowsOrigin(String origin, String hostHeader, String scheme) {
        if (origins.contains(origin.toLowerCase(Locale.ROOT))) {
            return true;
        }
        try {
            URI uri = URI.create(origin);
            return uri.getHost() != null
                    && (scheme.equals(uri.getScheme()) || isBehindProxy(scheme, uri, hostHeader))
                    && uri.getPath().isEmpty()
                    && authority(uri.getScheme(), uri.getRawAuthority()).equals(authority(uri.getScheme(), hostHeader));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static boolean isBehindProxy(String scheme, URI origin, String hostHeader) {
        String name = withoutPort(hostHeader.toLowerCase(Locale.ROOT));
        boolean usual = authority("https", hostHeader).equals(name);
        return scheme.equals("http") && "https".equals(origin.getScheme()) && usual && !LOOPBACK.contains(name);
    }

    /** Host and port, the scheme's own port left out. */
    private static String authority(String scheme, String text) {
        String usual = scheme.equals("https") ? ":443" : ":80";
        String lower = text.toLowerCase(Locale.ROOT);
        return lower.endsWith(usual) ? lower.substring(0, lower.length() - usual.length()) : lower;
    }

    private static String withoutPort(String host) {
        int bracket = host.indexOf(']');
        int colon = host.indexOf(':', Math.max(bracket, 0));
        return colon < 0 ? host : host.substring(0, colon);
    }
}
