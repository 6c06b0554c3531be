/** What every part of the MLflow wire shares: how requests are read and refused. */
@NullMarked
package dev.tidemill.platform.http.mlflow;

import org.jspecify.annotations.NullMarked;
