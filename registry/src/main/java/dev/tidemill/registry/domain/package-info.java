/** Models and their versions. */
@NullMarked
package dev.tidemill.registry.domain;

import org.jspecify.annotations.NullMarked;
