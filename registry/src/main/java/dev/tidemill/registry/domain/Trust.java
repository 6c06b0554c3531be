package dev.tidemill.registry.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import java.util.List;
import java.util.Map;

/**
 * Which versions' code may run here: what their folders hold beside plain data runs only once somebody has said that they trust it.
 * Kept, with who said so and of which folder, in tags of the version that nothing else sets or removes. Thread-safe.
 */
public final class Trust {
    private final ModelStore store;
    private final Models models;
    private final Transactions transactions;
    private final EventLog events;
    private volatile TrustWatch watch = version -> {};

    public Trust(ModelStore store, Models models, Transactions transactions, EventLog events) {
        this.store = store;
        this.models = models;
        this.transactions = transactions;
        this.events = events;
    }

    /** Tells who is to hear of trust that is given or taken back; until then nobody is. */
    public void watch(TrustWatch watch) {
        this.watch = watch;
    }

    /**
     * Lets the code in a version's folder run: its pickles whatever they refer to, its own modules, and what its requirements name.
     * Who said so, and of which folder, stays with the version.
     *
     * @param network whether that code may use the network as well
     * @throws TidemillException {@code FAILED_PRECONDITION} if its files are not kept here, {@code NOT_FOUND} if there is no such version
     */
    public ModelVersion give(String project, String model, int version, boolean network, String actor) {
        return transactions.write(() -> {
            ModelVersion trusted = models.version(project, model, version);
            String said = trusted.requireFolder().value() + " " + actor;
            store.putTag(project, model, version, ModelVersion.TRUSTED_TAG, said);
            if (network) {
                store.putTag(project, model, version, ModelVersion.TRUSTED_NETWORK_TAG, said);
            } else {
                store.removeTag(project, model, version, ModelVersion.TRUSTED_NETWORK_TAG);
            }
            events.append(Event.of(
                            "model.version.trusted",
                            project,
                            "model/" + trusted.reference(),
                            actor,
                            Map.of(
                                    "model",
                                    model,
                                    "version",
                                    version,
                                    "network",
                                    network,
                                    "held",
                                    trusted.contents()
                                            .files()
                                            .map(ModelFiles::held)
                                            .orElse(List.of())))
                    .withDigest(trusted.requireFolder().value()));
            ModelVersion now = models.version(project, model, version);
            transactions.afterCommit(() -> watch.trustChanged(now));
            return now;
        });
    }

    /**
     * Takes trust back: from then on its code runs nowhere that hears of it; see {@link TrustWatch}.
     *
     * @throws TidemillException {@code NOT_FOUND} if there is no such version
     */
    public ModelVersion withdraw(String project, String model, int version, String actor) {
        return transactions.write(() -> {
            ModelVersion before = models.version(project, model, version);
            for (String tag : List.of(
                    ModelVersion.TRUSTED_TAG, ModelVersion.TRUSTED_NETWORK_TAG, ModelVersion.TRUSTED_BEFORE_TAG)) {
                store.removeTag(project, model, version, tag);
            }
            if (before.trusted()) {
                events.append(Event.of(
                        "model.version.distrusted",
                        project,
                        "model/" + before.reference(),
                        actor,
                        Map.of("model", model, "version", version)));
            }
            ModelVersion now = models.version(project, model, version);
            if (before.trusted()) {
                transactions.afterCommit(() -> watch.trustChanged(now));
            }
            return now;
        });
    }
}
