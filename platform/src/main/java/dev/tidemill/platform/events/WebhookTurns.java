package dev.tidemill.platform.events;

import dev.tidemill.platform.threads.Loop;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Whose turn it is to be delivered to. A webhook has one turn at a time, so that its events keep their order; turns of different
 * webhooks run beside one another, a bounded number in all and of one project, and who has waited longest comes first. Thread-safe.
 */
final class WebhookTurns implements AutoCloseable {
    private static final int MOST = 128;
    private static final int MOST_OF_PROJECT = 16;
    private static final Duration IDLE = Duration.ofSeconds(1);

    private final Supplier<List<Webhook>> waiting;
    private final Consumer<Webhook> turn;
    private final EventLog log;
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("webhook-", 0).factory());
    /** Webhooks that have a turn, with their projects. */
    private final Map<String, String> running = new ConcurrentHashMap<>();
    /** When webhooks had their last turn; only the loop that gives turns touches it. */
    private final Map<String, Long> served = new HashMap<>();
    /** Something may have changed: an event has come, a turn has ended. */
    private final Semaphore changed = new Semaphore(0);

    private final Loop turns = new Loop("webhook-turns", IDLE, this::giveTurns);
    private final Loop watch = new Loop("webhook-events", IDLE, this::watchEvents);

    /**
     * @param waiting webhooks for which events wait
     * @param turn delivers some of them to one; does not throw
     */
    WebhookTurns(Supplier<List<Webhook>> waiting, Consumer<Webhook> turn, EventLog log) {
        this.waiting = waiting;
        this.turn = turn;
        this.log = log;
    }

    void start() {
        turns.start();
        watch.start();
    }

    List<Loop> loops() {
        return List.of(turns, watch);
    }

    private void watchEvents() throws InterruptedException {
        log.awaitAppend(IDLE);
        changed.release();
    }

    private void giveTurns() throws InterruptedException {
        changed.tryAcquire(IDLE.toMillis(), TimeUnit.MILLISECONDS);
        changed.drainPermits();
        give();
    }

    private void give() {
        // Taken before the webhooks are read: one whose turn ends meanwhile was read as it stood before.
        var busy = Set.copyOf(running.keySet());
        var ofProject = new HashMap<String, Integer>();
        running.values().forEach(project -> ofProject.merge(project, 1, Integer::sum));
        List<Webhook> all = waiting.get();
        served.keySet().retainAll(all.stream().map(Webhook::id).toList());
        var next = all.stream()
                .filter(webhook -> !busy.contains(webhook.id()))
                .sorted(Comparator.comparingLong(webhook -> served.getOrDefault(webhook.id(), Long.MIN_VALUE)))
                .toList();
        for (Webhook webhook : next) {
            if (running.size() >= MOST) {
                return;
            }
            if (ofProject.getOrDefault(webhook.project(), 0) < MOST_OF_PROJECT) {
                ofProject.merge(webhook.project(), 1, Integer::sum);
                served.put(webhook.id(), System.nanoTime());
                running.put(webhook.id(), webhook.project());
                begin(webhook);
            }
        }
    }

    private void begin(Webhook webhook) {
        threads.execute(() -> {
            try {
                turn.accept(webhook);
            } finally {
                running.remove(webhook.id());
                changed.release();
            }
        });
    }

    @Override
    public void close() {
        turns.close();
        watch.close();
        threads.shutdownNow();
    }
}
