package dev.tidemill.app;

import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.inference.domain.PayloadLog;
import dev.tidemill.inference.domain.PayloadSink;
import dev.tidemill.inference.payloads.CloudEventSink;
import dev.tidemill.inference.payloads.LogSink;
import dev.tidemill.inference.payloads.ParquetSink;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.errors.TidemillException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the operator wants logged of requests and answers. */
final class Payloads {
    private Payloads() {}

    /** A place for files of Parquet. */
    record Files(Path folder, QueryEngine engine) {}

    /** @param files where files can be written; none in a process that only serves */
    static PayloadLog of(Settings settings, Optional<Files> files, Clock clock) {
        List<PayloadSink> sinks = new ArrayList<>();
        double share = settings.share(Setting.PAYLOADS_SHARE);
        settings.optional(Setting.PAYLOADS_SINK).ifPresent(text -> {
            sinks.add(
                    new CloudEventSink(URI.create(text.strip()), "/tidemill/" + settings.text(Setting.INFERENCE_NAME)));
        });
        if (settings.flag(Setting.PAYLOADS_LOG)) {
            sinks.add(new LogSink());
        }
        if (settings.flag(Setting.PAYLOADS_PARQUET)) {
            Files target = files.orElseThrow(() -> TidemillException.invalid(
                            Setting.PAYLOADS_PARQUET.key(), "A process of role 'gateway' alone writes no Parquet")
                    .remedy("Send its payloads on with '" + Setting.PAYLOADS_SINK.key() + "'"));
            sinks.add(new ParquetSink(
                    target.folder(),
                    target.engine(),
                    Duration.ofSeconds(settings.whole(Setting.PAYLOADS_AGE)),
                    settings.whole(Setting.PAYLOADS_KEEP),
                    clock));
        }
        return sinks.isEmpty() || share == 0 ? PayloadLog.NONE : new PayloadLog(sinks, share);
    }
}
