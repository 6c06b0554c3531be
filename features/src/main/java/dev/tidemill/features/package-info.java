/** Feature views: features derived by SQL, the same for training and for serving. */
@NullMarked
package dev.tidemill.features;

import org.jspecify.annotations.NullMarked;
