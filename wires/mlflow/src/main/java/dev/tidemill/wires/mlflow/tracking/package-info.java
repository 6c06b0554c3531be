/** Experiments, runs and logged models as MLflow's clients and pages ask for them. */
@NullMarked
package dev.tidemill.wires.mlflow.tracking;

import org.jspecify.annotations.NullMarked;
