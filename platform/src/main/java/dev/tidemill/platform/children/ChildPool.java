package dev.tidemill.platform.children;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.threads.Loop;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A bounded pool of child JVMs, started when needed, kept warm, ended when idle. A caller that is interrupted, or whose
 * time is over, ends its child. Thread-safe.
 */
public final class ChildPool implements AutoCloseable {
    private static final Duration IDLE = Duration.ofSeconds(90);
    private static final Duration REAP = Duration.ofSeconds(10);

    private final List<String> command;
    private final Semaphore permits;
    private final Deque<Child> idle = new ConcurrentLinkedDeque<>();
    private final Loop reaper;
    private volatile boolean closed;

    /**
     * @param size most children at a time
     * @param heapMegabytes heap of each
     */
    public ChildPool(String name, int size, int heapMegabytes) {
        this.permits = new Semaphore(size, true);
        this.command = command(heapMegabytes);
        ChildFolders.HERE.deleteLeftOvers();
        this.reaper = new Loop("children-" + name, REAP, this::reap).start();
    }

    /** What ends children that nobody has used for a while. */
    public Loop loop() {
        return reaper;
    }

    private static List<String> command(int heapMegabytes) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(
                "-Xmx" + heapMegabytes + "m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-Djava.awt.headless=true",
                "-Djava.io.tmpdir=" + Child.FOLDER,
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                ChildMain.class.getName()));
        return command;
    }

    /**
     * Runs a task in a child and waits for its answer.
     *
     * @param report hears what the task tells while it works, on a thread of the pool
     * @throws TidemillException what the task refused with; {@code TIMEOUT}; {@code CANCELLED} if this thread was
     *     interrupted; {@code UNAVAILABLE} if the child died
     */
    public JsonNode run(String task, JsonNode request, ChildTask.Report report, Duration timeout) {
        try {
            if (!permits.tryAcquire(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new TidemillException(
                        ErrorCode.TIMEOUT, "No child process became free for " + task + " within " + timeout);
            }
        } catch (InterruptedException e) {
            throw cancelled(task, e);
        }
        try {
            return runInChild(take(), task, request, report, timeout);
        } finally {
            permits.release();
        }
    }

    private JsonNode runInChild(Child child, String task, JsonNode request, ChildTask.Report report, Duration timeout) {
        var call = new FutureTask<>(() -> child.call(task, request, report));
        Thread.ofVirtual().name("child-call-" + task).start(call);
        boolean healthy = false;
        try {
            JsonNode result = call.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            healthy = true;
            return result;
        } catch (TimeoutException e) {
            throw new TidemillException(ErrorCode.TIMEOUT, task + " took longer than " + timeout + " and was ended")
                    .causedBy(e);
        } catch (InterruptedException e) {
            throw cancelled(task, e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TidemillException refusal) {
                healthy = refusal.code() != ErrorCode.UNAVAILABLE && refusal.code() != ErrorCode.INTERNAL;
                throw refusal;
            }
            throw new TidemillException(ErrorCode.INTERNAL, task + " failed: " + e.getCause()).causedBy(e);
        } finally {
            if (healthy && !closed) {
                idle.push(child);
            } else {
                child.close();
            }
        }
    }

    private static TidemillException cancelled(String task, InterruptedException e) {
        Thread.currentThread().interrupt();
        return new TidemillException(ErrorCode.CANCELLED, task + " was cancelled").causedBy(e);
    }

    private Child take() {
        Child child;
        while ((child = idle.poll()) != null) {
            if (child.isAlive()) {
                return child;
            }
            child.close();
        }
        return Child.start(command);
    }

    private void reap() throws InterruptedException {
        Thread.sleep(REAP);
        Child oldest;
        while ((oldest = idle.peekLast()) != null && oldest.idleNanos() > IDLE.toNanos()) {
            if (idle.removeLastOccurrence(oldest)) {
                oldest.close();
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        reaper.close();
        idle.forEach(Child::close);
    }
}
