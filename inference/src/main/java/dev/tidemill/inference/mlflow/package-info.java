/** What MLflow keeps beside a model. */
@NullMarked
package dev.tidemill.inference.mlflow;

import org.jspecify.annotations.NullMarked;
