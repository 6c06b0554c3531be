package dev.tidemill.platform.http;

import io.javalin.http.Context;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.function.BooleanSupplier;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.internal.HttpConnection;
import org.eclipse.jetty.util.BufferUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the client of a request whose body has been read has left before the answer. Over HTTP/1.1 nothing tells a server that
 * but reading on: an end of input is a client who has gone, a byte the beginning of its next request, which is given back to
 * the connection. To be asked only until the answer is begun, and by one thread at a time.
 */
public final class ClientConnection implements BooleanSupplier {
    private static final Logger LOG = LoggerFactory.getLogger(ClientConnection.class);

    private final Connection connection;
    private final ByteBuffer next = BufferUtil.allocate(1);
    private boolean gone;

    private ClientConnection(Connection connection) {
        this.connection = connection;
    }

    /** The connection that a request came by. */
    public static ClientConnection of(Context context) {
        return new ClientConnection(ServletContextRequest.getServletContextRequest(context.req())
                .getConnectionMetaData()
                .getConnection());
    }

    /**
     * Ends the connection of a request as if it had broken: by a reset where the system knows one, since an answer of no stated
     * length would else seem to be whole, and without the end that TLS gives to what is.
     */
    static void sever(Context context, Throwable why) {
        EndPoint end = ServletContextRequest.getServletContextRequest(context.req())
                .getConnectionMetaData()
                .getConnection()
                .getEndPoint();
        while (end instanceof EndPoint.Wrapper wrapper) {
            end = wrapper.unwrap();
        }
        if (end.getTransport() instanceof SocketChannel channel) {
            try {
                channel.setOption(StandardSocketOptions.SO_LINGER, 0);
            } catch (IOException e) {
                LOG.debug("The connection has ended already: {}", e.toString());
            }
        }
        end.close(why);
    }

    @Override
    public boolean getAsBoolean() {
        if (gone || !(connection instanceof HttpConnection http)) {
            return gone;
        }
        // What has been read of the next request says that the client is there, as far as can be known.
        if (http.isRequestBufferEmpty()) {
            try {
                int read = http.getEndPoint().fill(next);
                gone = read < 0;
                if (read > 0) {
                    http.onUpgradeTo(next);
                    BufferUtil.clear(next);
                }
            } catch (IOException e) {
                gone = true;
            }
        }
        return gone;
    }
}
