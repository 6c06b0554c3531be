package dev.tidemill.registry;

import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.api.ModelRoutes;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.steps.RegisterStep;
import dev.tidemill.registry.store.SqlModelStore;
import java.time.Clock;
import java.util.List;

/** Wires the registry. */
public final class RegistryModule {
    private final Models models;
    private final String codeVersion;

    public RegistryModule(Database database, EventLog events, Clock clock, String codeVersion) {
        this.models = new Models(new SqlModelStore(database), database, events, clock);
        this.codeVersion = codeVersion;
    }

    public Models models() {
        return models;
    }

    public List<StepKind> stepKinds() {
        return List.of(new RegisterStep(models, codeVersion));
    }

    public List<Route> routes() {
        return new ModelRoutes(models).routes();
    }
}
