/** One database, two engines: transactions that span domains, migrations, the dialect. */
@NullMarked
package dev.tidemill.platform.sql;

import org.jspecify.annotations.NullMarked;
