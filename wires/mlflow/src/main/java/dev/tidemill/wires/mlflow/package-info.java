/** MLflow's REST services, spoken for artifacts, tracking and the registry. */
@NullMarked
package dev.tidemill.wires.mlflow;

import org.jspecify.annotations.NullMarked;
