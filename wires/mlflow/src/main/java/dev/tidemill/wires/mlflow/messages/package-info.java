/** What every part of the MLflow wire shares: how requests are read and refused, and how answers are written. */
@NullMarked
package dev.tidemill.wires.mlflow.messages;

import org.jspecify.annotations.NullMarked;
