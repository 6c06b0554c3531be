package dev.tidemill.app;

import dev.tidemill.inference.InferenceModule;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.PredictionLog;
import dev.tidemill.inference.python.PythonSettings;
import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.wires.oip.OipModule;
import dev.tidemill.wires.oip.ServerName;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Locale;

/** What the settings say of the data plane, in a server and in a gateway alike. */
final class DataPlane {
    private DataPlane() {}

    static InferenceModule.Options options(Settings settings, Path pythonFolder) {
        var python = new PythonSettings(
                settings.text(Setting.PYTHON),
                settings.optional(Setting.PYTHON_ENVIRONMENT).map(Path::of),
                pythonFolder,
                settings.whole(Setting.PYTHON_WORKERS),
                settings.whole(Setting.PYTHON_MEMORY),
                Duration.ofSeconds(settings.whole(Setting.PYTHON_PATIENCE)),
                isolation(settings),
                settings.whole(Setting.PYTHON_ENVIRONMENT_MEGABYTES),
                Duration.ofDays(settings.whole(Setting.PYTHON_ENVIRONMENT_DAYS)));
        return new InferenceModule.Options(
                settings.megabytes(Setting.INFERENCE_MEMORY),
                Duration.ofMinutes(settings.whole(Setting.INFERENCE_IDLE)),
                settings.whole(Setting.ONNX_THREADS),
                python);
    }

    /** The protocols by which models are called. */
    static OipModule protocols(Settings settings, Gateway gateway, Clock clock) {
        return new OipModule(
                gateway,
                clock,
                new ServerName(
                        settings.text(Setting.INFERENCE_NAME),
                        settings.optional(Setting.INFERENCE_VERSION).orElseGet(Version::current)));
    }

    private static PythonSettings.Isolate isolation(Settings settings) {
        return PythonSettings.Isolate.valueOf(
                settings.text(Setting.PYTHON_ISOLATION).toUpperCase(Locale.ROOT));
    }

    static PredictionLog journal(Settings settings, DataDirectory directory, DeletionHold deletions) {
        return InferenceModule.files(directory.folder("journal"), settings.megabytes(Setting.JOURNAL_LIMIT), deletions);
    }
}
