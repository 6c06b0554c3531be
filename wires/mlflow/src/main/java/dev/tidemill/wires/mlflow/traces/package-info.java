/** Traces, assessments, evaluation data sets and scorers as MLflow's clients ask for them. */
@NullMarked
package dev.tidemill.wires.mlflow.traces;

import org.jspecify.annotations.NullMarked;
