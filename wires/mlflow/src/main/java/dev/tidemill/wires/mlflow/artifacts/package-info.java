/** Files as MLflow's clients send and fetch them. */
@NullMarked
package dev.tidemill.wires.mlflow.artifacts;

import org.jspecify.annotations.NullMarked;
