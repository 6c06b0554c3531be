/** Tree ensembles in plain Java: parsing, encoding, scoring. No I/O beyond parsing. */
@NullMarked
package dev.tidemill.trees;

import org.jspecify.annotations.NullMarked;
