/** MLflow's model folders. */
@NullMarked
package dev.tidemill.registry.mlflow;

import org.jspecify.annotations.NullMarked;
