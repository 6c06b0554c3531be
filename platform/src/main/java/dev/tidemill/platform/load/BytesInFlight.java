package dev.tidemill.platform.load;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.Waiting.Waiter;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The one budget of memory for all requests under way, whatever their protocol: bodies as they come, what they unfold and
 * parse to by estimate, rows that are read for them ({@link RequestMemory}), and answers until they are sent. A request opens
 * a {@link Reservation}, takes from the budget before it fills memory, and gives everything back when it is over.
 *
 * <p>Three rules keep it fair. A caller who has a request under way holds at most half of the budget with all large
 * requests together; a lone one may take what is there. An eighth is kept for small requests, which so pass beside
 * large ones; of it, the small requests of one caller beyond that half take half. And what is given back is kept for the oldest large request that waits, which waits longer than others: so of
 * requests that all hold a part and wait for the rest, the younger ones are refused and the oldest is answered. Thread-safe.
 */
public final class BytesInFlight {
    /** A request that takes no more than this may take from what is kept for small ones. */
    public static final long SMALL = 256 * 1024;

    /** How long {@link Reservation#take} waits for others to give back: most requests are over in less. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** How many times as long the oldest waits. */
    private static final int PATIENCE_OF_OLDEST = 5;

    /** Of the heap; what an estimate leaves out, and everything that is no request, has the rest. */
    private static final double SHARE_OF_HEAP = 0.35;

    private final long most;
    private final long mostForLarge;
    private final long patienceNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition given = lock.newCondition();
    private final Map<String, Share> callers = new HashMap<>();

    private final Waiting waiting = new Waiting();
    private long opened;
    private long waits;
    private long taken;
    private long refused;

    /** What one caller holds. */
    private static final class Share {
        private long all;

        /** What requests hold that are small as yet. */
        private long small;
    }

    /** @param most bytes of the budget */
    public BytesInFlight(long most) {
        this(most, PATIENCE);
    }

    /** @param patience how long a request waits that is not the oldest of those that wait */
    BytesInFlight(long most, Duration patience) {
        this.most = most;
        this.mostForLarge = most - most / 8;
        this.patienceNanos = patience.toNanos();
    }

    /** A share of this process's heap. */
    public static BytesInFlight ofHeap() {
        return new BytesInFlight((long) (Runtime.getRuntime().maxMemory() * SHARE_OF_HEAP));
    }

    /** Bytes of the budget. */
    public long most() {
        return most;
    }

    /** Bytes that are taken now. */
    public long taken() {
        lock.lock();
        try {
            return taken;
        } finally {
            lock.unlock();
        }
    }

    /** Requests that were refused since the start, since the budget was spent. */
    public long refused() {
        lock.lock();
        try {
            return refused;
        } finally {
            lock.unlock();
        }
    }

    /** @param caller whose share it counts to: an address as long as nobody knows more */
    public Reservation open(String caller) {
        lock.lock();
        try {
            return new Reservation(caller, opened++);
        } finally {
            lock.unlock();
        }
    }

    /** What one request holds of the budget. Thread-safe; closing it twice does nothing more. */
    public final class Reservation implements AutoCloseable {
        private final long number;
        private String caller;
        private long held;
        private boolean closed;

        /** Threads of it that wait. */
        private int threads;

        private Reservation(String caller, long number) {
            this.caller = caller;
            this.number = number;
        }

        /** Bytes of the whole budget. */
        long budget() {
            return most;
        }

        /** Whose share it counts to now. */
        String caller() {
            lock.lock();
            try {
                return caller;
            } finally {
                lock.unlock();
            }
        }

        /** Bytes that it holds now. */
        public long held() {
            lock.lock();
            try {
                return held;
            } finally {
                lock.unlock();
            }
        }

        /** Takes more if it is there now. Never waits. */
        public boolean tryTake(long bytes) {
            lock.lock();
            try {
                if (closed || !isFree(bytes)) {
                    refused++;
                    return false;
                }
                add(bytes);
                return true;
            } finally {
                lock.unlock();
            }
        }

        /**
         * Takes more, waiting a short while for others to give back.
         *
         * @throws TidemillException {@code TOO_LARGE} if it can never be had, {@code UNAVAILABLE} if it is not there in time,
         *     {@code CANCELLED} if the request is over
         */
        public void take(long bytes) {
            lock.lock();
            try {
                if (held + bytes > mostForLarge) {
                    refused++;
                    throw tooLarge(held + bytes);
                }
                requireOpen();
                if (!isFree(bytes)) {
                    await(bytes);
                }
                add(bytes);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw spent();
            } finally {
                lock.unlock();
            }
        }

        private void await(long bytes) throws InterruptedException {
            long started = System.nanoTime();
            var self = new Waiter(this, number, waits++, caller, bytes);
            if (waiting.add(self)) {
                // Who was the oldest so far has less time now.
                given.signalAll();
            }
            threads++;
            try {
                while (!isFree(bytes)) {
                    long left = patienceNanos * times(self) - (System.nanoTime() - started);
                    if (left <= 0) {
                        refused++;
                        throw spent();
                    }
                    given.awaitNanos(left);
                    requireOpen();
                }
            } finally {
                threads--;
                if (waiting.remove(self)) {
                    // What was kept for it is kept for another.
                    given.signalAll();
                }
            }
        }

        /** The oldest of a caller waits longer only if the others of that caller are what it waits for. */
        private int times(Waiter self) {
            boolean oldest = waiting.oldest().filter(self::equals).isPresent()
                    || (waiting.oldestOf(self.caller()).orElseThrow().equals(self) && !isShareFree(self.bytes()));
            return oldest ? PATIENCE_OF_OLDEST : 1;
        }

        /** Counts what is there already and cannot be refused any more, such as an answer. */
        public void charge(long bytes) {
            lock.lock();
            try {
                if (!closed) {
                    add(bytes);
                }
            } finally {
                lock.unlock();
            }
        }

        /** Gives a part back. */
        public void give(long bytes) {
            charge(-bytes);
        }

        /** Counts everything from now on to somebody who is known by now. */
        public void countTo(String known) {
            lock.lock();
            try {
                if (!closed && !known.equals(caller)) {
                    long all = held;
                    add(-all);
                    caller = known;
                    add(all);
                }
            } finally {
                lock.unlock();
            }
        }

        /** Why nothing more could be had, told whether it ever can. */
        public TidemillException refusal(long bytes) {
            lock.lock();
            try {
                return held + bytes > mostForLarge ? tooLarge(held + bytes) : spent();
            } finally {
                lock.unlock();
            }
        }

        /** What is taken after the end would never be given back. */
        private void requireOpen() {
            if (closed) {
                throw new TidemillException(
                        ErrorCode.CANCELLED, "The request was over before there was memory for it; nothing was done");
            }
        }

        private boolean isFree(long bytes) {
            if (held + bytes <= SMALL) {
                return taken + bytes <= most && isSmallShareFree(bytes);
            }
            long kept =
                    waiting.oldest().filter(this::isOlder).map(Waiter::bytes).orElse(0L);
            return taken + bytes + kept <= mostForLarge && isShareFree(bytes);
        }

        private boolean isSmallShareFree(long bytes) {
            Share share = callers.get(caller);
            return share == null
                    || share.all == held
                    || share.all + bytes <= most / 2
                    || share.small + bytes <= most / 16;
        }

        /** Whether its caller may have so much more; what the whole budget has is another question. */
        boolean isShareFree(long bytes) {
            if (held + bytes <= SMALL) {
                return isSmallShareFree(bytes);
            }
            Share share = callers.get(caller);
            long others = (share == null ? 0 : share.all) - held;
            long kept = waiting.oldestOf(caller)
                    .filter(this::isOlder)
                    .map(Waiter::bytes)
                    .orElse(0L);
            return others + kept == 0 || others + held + bytes + kept <= most / 2;
        }

        private boolean isOlder(Waiter waiter) {
            return waiter.request() < number;
        }

        private void add(long bytes) {
            Share share = callers.computeIfAbsent(caller, name -> new Share());
            share.small -= held <= SMALL ? held : 0;
            held += bytes;
            taken += bytes;
            share.all += bytes;
            share.small += held <= SMALL ? held : 0;
            if (share.all == 0) {
                callers.remove(caller);
            }
            if (bytes < 0) {
                given.signalAll();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                if (!closed) {
                    add(-held);
                    closed = true;
                    if (threads > 0) {
                        given.signalAll();
                    }
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private TidemillException tooLarge(long bytes) {
        return new TidemillException(
                        ErrorCode.TOO_LARGE,
                        "The request takes about " + megabytes(bytes) + " MB of memory; this server has "
                                + megabytes(mostForLarge) + " MB for all requests")
                .remedy("Ask for less or send it in parts, or give the server a larger heap (TIDEMILL_HEAP)");
    }

    private static TidemillException spent() {
        return new TidemillException(
                        ErrorCode.UNAVAILABLE, "The memory for requests under way is spent; nothing was done")
                .remedy("Try again in a second, with fewer large requests at a time");
    }

    private static long megabytes(long bytes) {
        return (bytes + (1 << 20) - 1) >> 20;
    }
}
