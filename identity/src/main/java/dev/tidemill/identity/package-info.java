/** Projects, members, users, tokens, sign-in: what every route asks. */
@NullMarked
package dev.tidemill.identity;

import org.jspecify.annotations.NullMarked;
