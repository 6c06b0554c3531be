/** Trained models as MLflow model folders. */
@NullMarked
package dev.tidemill.training.mlflow;

import org.jspecify.annotations.NullMarked;
