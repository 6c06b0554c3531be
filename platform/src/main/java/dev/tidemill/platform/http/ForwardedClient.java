package dev.tidemill.platform.http;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.ConnectionMetaData;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;

/** Makes a request from a trusted proxy one of the client that the proxy names, for all that asks where it comes from. */
final class ForwardedClient implements HttpConfiguration.Customizer {
    private final TrustedProxies proxies;

    ForwardedClient(TrustedProxies proxies) {
        this.proxies = proxies;
    }

    @Override
    public Request customize(Request request, HttpFields.Mutable answer) {
        ConnectionMetaData connection = request.getConnectionMetaData();
        if (!(connection.getRemoteSocketAddress() instanceof InetSocketAddress peer)
                || peer.getAddress() == null
                || !proxies.trusts(peer.getAddress())) {
            return request;
        }
        HttpFields headers = request.getHeaders();
        var client = new InetSocketAddress(
                proxies.client(
                        peer.getAddress(),
                        List.copyOf(headers.getValuesList(HttpHeader.X_FORWARDED_FOR)),
                        List.copyOf(headers.getValuesList(HttpHeader.FORWARDED))),
                peer.getPort());
        var told = new ConnectionMetaData.Wrapper(connection) {
            @Override
            public SocketAddress getRemoteSocketAddress() {
                return client;
            }
        };
        return new Request.Wrapper(request) {
            @Override
            public ConnectionMetaData getConnectionMetaData() {
                return told;
            }
        };
    }
}
