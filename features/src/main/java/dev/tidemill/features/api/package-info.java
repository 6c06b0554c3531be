/** Routes and the FeatureView definition. */
@NullMarked
package dev.tidemill.features.api;

import org.jspecify.annotations.NullMarked;
