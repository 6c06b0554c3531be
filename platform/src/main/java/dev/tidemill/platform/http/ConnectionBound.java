package dev.tidemill.platform.http;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.ssl.SslConnection;

/** Bounds the connections of one address, so that nobody takes all the files that the process may open. Thread-safe. */
final class ConnectionBound implements Connection.Listener {
    private final int mostOfOne;
    private final TrustedProxies proxies;
    /** Whose a connection is, since one that is closed no longer tells. */
    private final Map<Connection, InetAddress> open = new HashMap<>();

    private final Map<InetAddress, Integer> counts = new HashMap<>();
    private long refused;

    /**
     * @param mostOfOne connections of one address at a time
     * @param proxies are not bounded: their connections are of many
     */
    ConnectionBound(int mostOfOne, TrustedProxies proxies) {
        this.mostOfOne = mostOfOne;
        this.proxies = proxies;
    }

    @Override
    public void onOpened(Connection connection) {
        // TLS is a connection around the one that speaks HTTP.
        if (!(connection instanceof SslConnection)
                && connection.getEndPoint().getRemoteSocketAddress() instanceof InetSocketAddress peer
                && !proxies.trusts(peer.getAddress())
                && !admit(connection, peer.getAddress())) {
            connection.getEndPoint().close();
        }
    }

    private synchronized boolean admit(Connection connection, InetAddress address) {
        open.put(connection, address);
        boolean admitted = counts.merge(address, 1, Integer::sum) <= mostOfOne;
        refused += admitted ? 0 : 1;
        return admitted;
    }

    @Override
    public synchronized void onClosed(Connection connection) {
        InetAddress address = open.remove(connection);
        if (address != null && counts.merge(address, -1, Integer::sum) == 0) {
            counts.remove(address);
        }
    }

    synchronized long refused() {
        return refused;
    }
}
