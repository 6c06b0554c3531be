/** Feature views and their materialization. */
@NullMarked
package dev.tidemill.features.domain;

import org.jspecify.annotations.NullMarked;
