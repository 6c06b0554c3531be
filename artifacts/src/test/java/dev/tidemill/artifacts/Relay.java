package dev.tidemill.artifacts;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A way to a server of this machine that can be cut. */
final class Relay implements AutoCloseable {
    private final ServerSocket entrance;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile boolean away;
    private volatile boolean hanging;
    private volatile long mostSent = Long.MAX_VALUE;
    private volatile long mostReceived = Long.MAX_VALUE;

    Relay(int target) throws IOException {
        this.target = target;
        this.entrance = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return entrance.getLocalPort();
    }

    /** Whether connections are ended at once. */
    void away(boolean now) throws IOException {
        away = now;
        if (now) {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    /** Whether connections are taken, and nothing is ever answered. */
    void hang(boolean now) throws IOException {
        hanging = now;
        away(true);
        away = false;
    }

    /** Ends each connection once so many bytes went one way. */
    void cutAfter(long sent, long received) {
        mostSent = sent;
        mostReceived = received;
    }

    private void accept() {
        while (!entrance.isClosed()) {
            try {
                Socket client = entrance.accept();
                if (away) {
                    client.close();
                    continue;
                }
                if (hanging) {
                    open.add(client);
                    continue;
                }
                var server = new Socket(InetAddress.getLoopbackAddress(), target);
                open.add(client);
                open.add(server);
                Thread.ofVirtual().start(() -> pass(client, server, mostSent));
                Thread.ofVirtual().start(() -> pass(server, client, mostReceived));
            } catch (IOException e) {
                // Closed, or the server has ended.
            }
        }
    }

    private void pass(Socket from, Socket to, long most) {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[8192];
            long left = most;
            int read;
            while (left > 0 && (read = in.read(buffer, 0, (int) Math.min(buffer.length, left))) > 0) {
                out.write(buffer, 0, read);
                left -= read;
            }
        } catch (IOException e) {
            // One of the two has ended.
        } finally {
            open.remove(from);
            open.remove(to);
        }
    }

    @Override
    public void close() throws IOException {
        entrance.close();
        away(true);
    }
}
