/** Tasks that run in a child JVM: XGBoost on tables read with DuckDB. */
@NullMarked
package dev.tidemill.training.xgboost;

import org.jspecify.annotations.NullMarked;
