package dev.tidemill.platform.load;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;

/**
 * Bounds the connections to one port, of one address and in all, so that nobody takes all the files that the process may open.
 * Thread-safe.
 */
public final class OpenConnections {
    private final int mostOfOne;
    private final int most;
    private final Map<InetAddress, Integer> counts = new HashMap<>();
    private int open;
    private long refused;

    /**
     * @param mostOfOne connections of one address at a time
     * @param most connections in all at a time
     */
    public OpenConnections(int mostOfOne, int most) {
        this.mostOfOne = mostOfOne;
        this.most = most;
    }

    /** Files that the process may open, connections among them. */
    public static int mostFiles() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? (int) Math.clamp(unix.getMaxFileDescriptorCount(), 64, Integer.MAX_VALUE)
                : Integer.MAX_VALUE;
    }

    /**
     * Counts a connection, which {@link #close} has to follow even where it is refused.
     *
     * @param ofMany whether the address is a proxy's, whose connections are of many
     * @return false if it is one too many
     */
    public synchronized boolean open(InetAddress address, boolean ofMany) {
        open++;
        int ofAddress = counts.merge(address, 1, Integer::sum);
        boolean admitted = open <= most && (ofMany || ofAddress <= mostOfOne);
        refused += admitted ? 0 : 1;
        return admitted;
    }

    public synchronized void close(InetAddress address) {
        open--;
        if (counts.merge(address, -1, Integer::sum) == 0) {
            counts.remove(address);
        }
    }

    /** Connections that were one too many. */
    public synchronized long refused() {
        return refused;
    }
}
