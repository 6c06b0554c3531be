/** What the server has refused, for whoever audits it. */
@NullMarked
package dev.tidemill.platform.audit;

import org.jspecify.annotations.NullMarked;
