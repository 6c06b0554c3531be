/** What pipeline steps can do with models. */
@NullMarked
package dev.tidemill.registry.steps;

import org.jspecify.annotations.NullMarked;
