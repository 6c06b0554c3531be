/** Where requests and answers are logged to: CloudEvents over HTTP, and files of Parquet. */
@NullMarked
package dev.tidemill.inference.payloads;

import org.jspecify.annotations.NullMarked;
