package dev.tidemill.inference.payloads;

import dev.tidemill.inference.domain.Payload;
import dev.tidemill.inference.domain.PayloadSink;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A line in the server's log for each request: what, who, which version, how long. No values of the request. */
public final class LogSink implements PayloadSink {
    private static final Logger LOG = LoggerFactory.getLogger(LogSink.class);

    @Override
    public String name() {
        return "log";
    }

    @Override
    public int deliver(List<Payload> payloads) {
        for (Payload payload : payloads) {
            LOG.info(
                    "{} {} of {} rows by {} with {} ({}): {} ms{}",
                    payload.project() + "~" + payload.name(),
                    oneLine(payload.request().id()),
                    payload.request().rows(),
                    payload.request().actor(),
                    payload.model().reference(),
                    payload.route().text(),
                    String.format(Locale.ROOT, "%.2f", payload.nanos() / 1e6),
                    payload.error().map(why -> ", refused: " + oneLine(why)).orElse(""));
        }
        return payloads.size();
    }

    /** What a client chose cannot begin a line of its own. */
    private static String oneLine(String text) {
        return text.replaceAll("\\p{Cntrl}", " ");
    }

    @Override
    public void close() {
        // Nothing is open.
    }
}
