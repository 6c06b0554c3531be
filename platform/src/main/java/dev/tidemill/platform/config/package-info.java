/** Typed configuration: defaults, then file, then environment, then flags. */
@NullMarked
package dev.tidemill.platform.config;

import org.jspecify.annotations.NullMarked;
