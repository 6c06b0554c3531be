package dev.tidemill.features;

import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.features.api.FeatureRoutes;
import dev.tidemill.features.api.FeatureViewDefinitionKind;
import dev.tidemill.features.domain.FeatureViews;
import dev.tidemill.features.domain.LabelledRows;
import dev.tidemill.features.steps.MaterializeStep;
import dev.tidemill.features.store.SqlFeatureViewStore;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.sql.Database;
import java.util.List;

/** Wires features. */
public final class FeaturesModule {
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

    /** @param journal rows that deployments have served */
    public List<StepKind> stepKinds(LabelledRows journal) {
        return List.of(new MaterializeStep(views, dataSets, engine, journal));
    }

    public List<DefinitionKind<?>> definitionKinds() {
        return List.of(new FeatureViewDefinitionKind(views, turns));
    }

    public List<Route> routes() {
        return new FeatureRoutes(views, turns).routes();
    }
}
