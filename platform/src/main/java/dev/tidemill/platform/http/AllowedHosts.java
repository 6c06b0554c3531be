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
    private final boolean any;

    /**
     * @param configured names without port; {@code *} allows every name
     * @param loopback whether the server listens on loopback
     * @param bind the address it listens on
     */
    public AllowedHosts(List<String> configured, boolean loopback, String bind) {
        var all = new java.util.HashSet<String>(LOOPBACK);
        configured.forEach(name -> all.add(name.strip().toLowerCase(Locale.ROOT)));
        all.add(bind.toLowerCase(Locale.ROOT));
        this.names = Set.copyOf(all);
        // A server on a public address demands credentials that no foreign page holds; only origins are checked there.
        this.any = all.contains("*") || (!loopback && configured.isEmpty());
    }

    boolean allows(String hostHeader) {
        return any || names.contains(withoutPort(hostHeader.toLowerCase(Locale.ROOT)));
    }

    boolean allowsOrigin(String origin) {
        try {
            URI uri = URI.create(origin);
            String host = uri.getHost();
            return host != null
                    && List.of("http", "https").contains(uri.getScheme())
                    && names.contains(host.toLowerCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static String withoutPort(String host) {
        int bracket = host.indexOf(']');
        int colon = host.indexOf(':', Math.max(bracket, 0));
        return colon < 0 ? host : host.substring(0, colon);
    }
}
