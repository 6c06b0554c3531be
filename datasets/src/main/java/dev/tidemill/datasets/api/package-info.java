/** Routes and the DataSet definition. */
@NullMarked
package dev.tidemill.datasets.api;

import org.jspecify.annotations.NullMarked;
