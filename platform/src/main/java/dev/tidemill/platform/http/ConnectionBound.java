package dev.tidemill.platform.http;

import dev.tidemill.platform.load.OpenConnections;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.ssl.SslConnection;

/** Closes connections that are too many. Thread-safe. */
final class ConnectionBound implements Connection.Listener {
    private final OpenConnections counted;
    private final TrustedProxies proxies;
    /** Whose a connection is, since one that is closed no longer tells. */
    private final Map<Connection, InetAddress> open = new ConcurrentHashMap<>();

    /** @param proxies are bounded only with all others together: their connections are of many */
    ConnectionBound(OpenConnections counted, TrustedProxies proxies) {
        this.counted = counted;
        this.proxies = proxies;
    }

    @Override
    public void onOpened(Connection connection) {
        // TLS is a connection around the one that speaks HTTP.
        if (!(connection instanceof SslConnection)
                && connection.getEndPoint().getRemoteSocketAddress() instanceof InetSocketAddress peer) {
            InetAddress address = peer.getAddress();
            open.put(connection, address);
            if (!counted.open(address, proxies.trusts(address))) {
                connection.getEndPoint().close();
            }
        }
    }

    @Override
    public void onClosed(Connection connection) {
        InetAddress address = open.remove(connection);
        if (address != null) {
            counted.close(address);
        }
    }

    long refused() {
        return counted.refused();
    }
}
