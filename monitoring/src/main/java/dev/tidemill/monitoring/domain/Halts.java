package dev.tidemill.monitoring.domain;

import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** Deployments whose ticks fail: their state says why and since when, and events tell of it. Thread-safe. */
final class Halts {
    private static final int MOST_REASON = 1_000;

    private final MonitorStore store;
    private final Transactions transactions;
    private final MonitorEvents events;
    private final Clock clock;

    Halts(MonitorStore store, Transactions transactions, MonitorEvents events, Clock clock) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /** Notes that the ticks of a deployment fail, and tells of it once. */
    void halt(String project, String name, String reason) {
        String told = StorableText.cut(StorableText.shown(reason), MOST_REASON);
        transactions.write(() -> {
            Optional<MonitorState> state = store.lockState(project, name);
            Optional<MonitorState.Halt> before = state.flatMap(MonitorState::halt);
            if (state.isEmpty() || before.map(MonitorState.Halt::reason).equals(Optional.of(told))) {
                return;
            }
            Instant since = before.map(MonitorState.Halt::since).orElseGet(clock::instant);
            store.saveHalt(project, name, Optional.of(new MonitorState.Halt(told, since)));
            if (before.isEmpty()) {
                events.append(project, name, "monitor.halted", Map.of("reason", told));
            }
        });
    }

    /** Notes that the ticks of a deployment go on. */
    void resume(String project, String name) {
        transactions.write(() -> {
            store.saveHalt(project, name, Optional.empty());
            events.append(project, name, "monitor.resumed", Map.of());
        });
    }
}
