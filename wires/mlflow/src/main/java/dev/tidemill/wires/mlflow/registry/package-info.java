/** Registered models, versions and webhooks as MLflow's clients ask for them. */
@NullMarked
package dev.tidemill.wires.mlflow.registry;

import org.jspecify.annotations.NullMarked;
