package dev.tidemill.platform.grpc;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Something of which all may have so much together, whoever is known half of that, all strangers an eighth and those of one host a part
 * of the eighth. It is counted first and looked at then, so that nothing is locked. Thread-safe.
 */
final class Shares {
    /**
     * Whose it is.
     *
     * @param name the user, or a stranger's host
     * @param known whether it is a user
     */
    record Holder(String name, boolean known) {}

    private static final Holder STRANGERS = new Holder("", false);

    private final long most;
    private final long mostOfHost;
    private final AtomicLong taken = new AtomicLong();
    private final ConcurrentMap<Holder, Long> holders = new ConcurrentHashMap<>();

    /**
     * @param most of all together
     * @param mostOfHost of the strangers of one host
     */
    Shares(long most, long mostOfHost) {
        this.most = most;
        this.mostOfHost = mostOfHost;
    }

    long taken() {
        return taken.get();
    }

    /** Counts more, or less where it is negative, to all together and to the holder if there is one as yet. */
    void add(@Nullable Holder holder, long more) {
        taken.addAndGet(more);
        assign(holder, more);
    }

    /** Counts to the holder what all together have been counted already. */
    void assign(@Nullable Holder holder, long more) {
        if (holder != null && more != 0) {
            count(holder, more);
            if (!holder.known()) {
                count(STRANGERS, more);
            }
        }
    }

    private void count(Holder holder, long more) {
        holders.compute(holder, (key, before) -> {
            long now = (before == null ? 0 : before) + more;
            return now == 0 ? null : now;
        });
    }

    /** Whether all together, or the holder, have more than their share. */
    boolean isTooMuch(@Nullable Holder holder) {
        if (taken.get() > most) {
            return true;
        }
        if (holder == null) {
            return false;
        }
        return holder.known() ? of(holder) > most / 2 : of(holder) > mostOfHost || of(STRANGERS) > most / 8;
    }

    private long of(Holder holder) {
        return holders.getOrDefault(holder, 0L);
    }
}
