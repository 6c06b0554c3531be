/** Tasks, model folders, and what training asks of others. */
@NullMarked
package dev.tidemill.training.domain;

import org.jspecify.annotations.NullMarked;
