package dev.tidemill.features;

import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.features.api.FeatureRoutes;
import dev.tidemill.features.api.FeatureViewDefinitionKind;
import dev.tidemill.features.domain.FeatureViews;
import dev.tidemill.features.domain.LabelledRows;
import dev.tidemill.features.steps.MaterializeStep;
import dev.tidemill.features.store.SqlFeatureViewStore;
import dev.tidemill.pipelines.domain.StepModule;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.sql.Database;
import java.util.List;

/** Wires features. */
public final class FeaturesModule implements Module {
    public static final Schema SCHEMA = Schema.of("features");

    private final FeatureViews views;
    private final DataSets dataSets;
    private final QueryEngine engine;
    private final FairTurns turns;

    /** @param turns at computations that people wait for */
    public FeaturesModule(Database database, DataSets dataSets, QueryEngine engine, FairTurns turns) {
        this.turns = turns;
        this.dataSets = dataSets;
        this.engine = engine;
        this.views = new FeatureViews(new SqlFeatureViewStore(database), dataSets, engine);
    }

    public FeatureViews views() {
        return views;
    }

    /**
     * Its steps, which read what modules to its right have written.
     *
     * @param journal rows that deployments have served
     */
    public StepModule steps(LabelledRows journal) {
        return () -> List.of(new MaterializeStep(views, dataSets, engine, journal, turns));
    }

    @Override
    public List<DefinitionKind<?>> definitionKinds() {
        return List.of(new FeatureViewDefinitionKind(views, turns));
    }

    @Override
    public List<Route> routes() {
        return new FeatureRoutes(views, turns).routes();
    }
}
