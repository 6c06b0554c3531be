/** Rules. */
@NullMarked
package dev.tidemill.identity.domain;

import org.jspecify.annotations.NullMarked;
