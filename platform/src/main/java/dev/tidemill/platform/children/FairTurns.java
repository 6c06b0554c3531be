package dev.tidemill.platform.children;

import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Turns at work that people wait for. Each caller has a line of its own, and lines are served in rotation; no caller and no project
 * ever holds all turns, so that one who asks for slow work delays nobody else's. Thread-safe.
 */
public final class FairTurns {
    private final int turns;
    private final int longestLine;
    private final Duration patience;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Party, Deque<Waiter>> lines = new LinkedHashMap<>();
    private final Map<Party, Integer> heldByParty = new HashMap<>();
    private final Map<String, Integer> heldByProject = new HashMap<>();
    private int held;

    private record Party(String project, String actor) {}

    private static final class Waiter {
        private final Condition called;
        private final int most;
        private boolean turn;

        Waiter(Condition called, int most) {
            this.called = called;
            this.most = most;
        }
    }

    /**
     * @param turns at a time; at least 2
     * @param longestLine most that one caller may have waiting
     * @param patience how long anybody waits
     */
    public FairTurns(int turns, int longestLine, Duration patience) {
        this.turns = Math.max(2, turns);
        this.longestLine = longestLine;
        this.patience = patience;
    }

    /** Does a caller's work once it is its turn; viewers by token hold one turn at a time, administrators all but one. */
    public <T> T run(Caller caller, Supplier<T> work) {
        Principal principal = caller.principal();
        boolean viewer = principal.roleCap().equals(Optional.of(Role.VIEWER));
        int most = principal.administrator() ? turns - 1 : viewer ? 1 : share();
        return run(caller.project(), principal.user(), most, work);
    }

    /** Does work for a project once it is its turn, in a line of the project's own. */
    public <T> T run(String project, Supplier<T> work) {
        return run(project, "", share(), work);
    }

    /** Turns that one caller without a special role may hold. */
    private int share() {
        return Math.max(1, (turns - 1) / 2);
    }

    /**
     * Does work once it is the caller's turn.
     *
     * @param most turns that this caller may hold at a time; one is always left to others
     * @throws TidemillException {@code UNAVAILABLE} if too many of the caller's wait already, or its turn does not come in time
     */
    public <T> T run(String project, String actor, int most, Supplier<T> work) {
        var party = new Party(project, actor);
        await(party, most);
        try {
            return work.get();
        } finally {
            release(party);
        }
    }

    private void await(Party party, int most) {
        lock.lock();
        try {
            int before = waiting(party);
            if (before >= longestLine) {
                throw busy(before + " computations of yours wait already");
            }
            Deque<Waiter> line = lines.computeIfAbsent(party, unused -> new ArrayDeque<>());
            var waiter = new Waiter(lock.newCondition(), most);
            line.add(waiter);
            callNext();
            if (!isCalled(waiter)) {
                leave(party, waiter);
                throw busy("no turn came within " + TimeUnit.NANOSECONDS.toSeconds(patience.toNanos()) + " s");
            }
        } finally {
            lock.unlock();
        }
    }

    private int waiting(Party party) {
        Deque<Waiter> line = lines.get(party);
        return line == null ? 0 : line.size();
    }

    /** Whether the turn came in time. One who is interrupted while it has not come goes without. */
    private boolean isCalled(Waiter waiter) {
        try {
            long left = patience.toNanos();
            while (!waiter.turn && left > 0) {
                left = waiter.called.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return waiter.turn;
    }

    private static TidemillException busy(String why) {
        return new TidemillException(ErrorCode.UNAVAILABLE, "The server is busy with computations: " + why)
                .remedy("Try again when some have ended");
    }

    private void leave(Party party, Waiter waiter) {
        Deque<Waiter> line = lines.get(party);
        if (line != null) {
            line.remove(waiter);
            if (line.isEmpty()) {
                lines.remove(party);
            }
        }
        // Whoever stood behind may have been waiting for this one alone, and a project for the others' lines to be
        // empty.
        callNext();
    }

    /** Gives free turns away: to the line that was served longest ago among those that may have one. */
    private void callNext() {
        boolean given = true;
        while (given && held < turns) {
            given = false;
            for (Iterator<Map.Entry<Party, Deque<Waiter>>> all =
                            lines.entrySet().iterator();
                    all.hasNext(); ) {
                Map.Entry<Party, Deque<Waiter>> entry = all.next();
                Party party = entry.getKey();
                Waiter first = entry.getValue().getFirst();
                if (!mayHave(party, first.most)) {
                    continue;
                }
                Deque<Waiter> line = entry.getValue();
                line.removeFirst();
                all.remove();
                if (!line.isEmpty()) {
                    lines.put(party, line); // behind all others
                }
                held++;
                heldByParty.merge(party, 1, Integer::sum);
                heldByProject.merge(party.project(), 1, Integer::sum);
                first.turn = true;
                first.called.signal();
                given = true;
                break;
            }
        }
    }

    private boolean mayHave(Party party, int most) {
        return heldByParty.getOrDefault(party, 0) < Math.min(Math.max(most, 1), turns - 1)
                && (heldByProject.getOrDefault(party.project(), 0) < turns - 1 || onlyProject(party.project()));
    }

    /** While nobody else is there a project may use what it likes but one caller's share. */
    private boolean onlyProject(String project) {
        return heldByProject.size() == 1
                && lines.keySet().stream().allMatch(party -> party.project().equals(project));
    }

    private void release(Party party) {
        lock.lock();
        try {
            held--;
            heldByParty.computeIfPresent(party, (key, count) -> count == 1 ? null : count - 1);
            heldByProject.computeIfPresent(party.project(), (key, count) -> count == 1 ? null : count - 1);
            callNext();
        } finally {
            lock.unlock();
        }
    }

    /** Computations under way. */
    public int held() {
        lock.lock();
        try {
            return held;
        } finally {
            lock.unlock();
        }
    }

    /** Computations that wait. */
    public int waiting() {
        lock.lock();
        try {
            return lines.values().stream().mapToInt(Deque::size).sum();
        } finally {
            lock.unlock();
        }
    }
}
