/** Takes in what another MLflow server knew, in the messages in which it tells it. */
@NullMarked
package dev.tidemill.wires.mlflow.imports;

import org.jspecify.annotations.NullMarked;
