package dev.tidemill.platform.config;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Every setting of the server: its key, its default and what it means. */
public enum Setting {
    DATA_DIRECTORY(
            "data.directory", "", new SettingRule.Text(), "Where everything lives; empty: $XDG_DATA_HOME/tidemill"),
    DATABASE("database", "sqlite", new SettingRule.Text(), "sqlite, or postgresql://user:password@host:5432/database"),
    DATABASE_TAKE_OVER(
            "database.take-over",
            "false",
            flag(),
            "Binds the database to this data directory, when the one with its files is lost, or though it belongs to another database"),
    STANDBY(
            "standby",
            "false",
            flag(),
            "Waits while another server holds the data directory and its database, and takes both up when that one ends"),
    ROLES(
            "roles",
            "control,gateway,worker",
            new SettingRule.Words(List.of("control", "gateway", "worker"), true),
            "What this process does"),
    CONTROL_URL(
            "control.url",
            "",
            new SettingRule.HttpAddress(),
            "A gateway without a database: the control plane it serves for"),
    CONTROL_TOKEN("control.token", "", new SettingRule.Secret(), "An administrator's token at the control plane"),
    HTTP_HOST(
            "http.host",
            "127.0.0.1",
            new SettingRule.Name(),
            "Address to listen on; any but loopback demands authentication"),
    HTTP_PORT("http.port", "8080", whole(0, 65_535), "Port for HTTP; 0 picks a free one"),
    GRPC_PORT("grpc.port", "8081", whole(0, 65_535), "Port for gRPC; 0 picks a free one"),
    TLS_CERTIFICATE(
            "tls.certificate",
            "",
            new SettingRule.Existing(false),
            "PEM file with the server's certificate; with tls.key it speaks TLS alone"),
    TLS_KEY("tls.key", "", new SettingRule.Existing(false), "PEM file with the certificate's private key, PKCS #8"),
    HTTP_ALLOWED_HOSTS(
            "http.allowed-hosts",
            "",
            new SettingRule.Text(),
            "Host names under which the server is addressed, beside loopback"),
    HTTP_ALLOWED_ORIGINS(
            "http.allowed-origins",
            "",
            new SettingRule.Text(),
            "Origins of other pages that may call, such as https://ml.example.com"),
    HTTP_MAX_BODY(
            "http.max-body-megabytes",
            "16",
            whole(1, 1 << 20),
            "Largest JSON body; uploads are streamed and not bound by it"),
    HTTP_LEAST_RATE(
            "http.least-bytes-per-second",
            "1024",
            whole(0, 1 << 20),
            "A body that comes more slowly for 10 s is ended; 0: never"),
    HTTP_CONNECTIONS(
            "http.connections-per-address", "4096", whole(1, 1 << 20), "Connections that one address may have open"),
    HTTP_TRUSTED_PROXIES(
            "http.trusted-proxies",
            "",
            new SettingRule.Text(),
            "Addresses and networks of reverse proxies whose X-Forwarded-For is believed"),
    ARTIFACT_ROOT(
            "artifacts.root",
            "mlflow-artifacts:/",
            new SettingRule.Name(),
            "Where new experiments keep artifacts: ours, or an s3: or file: URI"),
    ARTIFACT_STORE(
            "artifacts.store",
            "",
            new SettingRule.Bucket(),
            "Where artifacts are kept: a bucket, s3://bucket/prefix; empty: the data directory"),
    ARTIFACT_COPIES(
            "artifacts.copies-megabytes",
            "10240",
            whole(1, 1 << 30),
            "With artifacts.store: above this, copies in the data directory that nobody uses go"),
    UPLOAD_LIMIT("artifacts.max-upload-megabytes", "10240", whole(1, 1 << 30), "Largest uploaded file"),
    RETENTION_DELETED(
            "retention.deleted-days", "0", days(), "Days after which deleted runs are gone for good; 0: never"),
    RETENTION_PREDICTIONS(
            "retention.predictions-days",
            "90",
            days(),
            "Days after which journalled predictions are deleted; 0: never"),
    RETENTION_PREDICTIONS_LIMIT(
            "retention.predictions-limit",
            "50000000",
            whole(0, 999_999_999),
            "Journalled predictions of a deployment above which its oldest are deleted; some 0.4 KB each; 0: no limit"),
    RETENTION_WINDOWS(
            "retention.windows-days", "730", days(), "Days after which windows of monitoring are deleted; 0: never"),
    RETENTION_EVENTS(
            "retention.events-days", "365", days(), "Days after which events and refusals are deleted; 0: never"),
    RETENTION_PIPELINES(
            "retention.pipeline-days",
            "90",
            days(),
            "Days after which ended pipeline runs go, with steps and logs; 0: never. The newest ten of each pipeline stay"),
    RETENTION_PAUSE(
            "retention.every-minutes",
            "60",
            whole(1, 1440),
            "Pause after which what is kept too long is looked for again"),
    INTERACTIVE(
            "children.interactive",
            "0",
            whole(0, 64),
            "Computations that people wait for at a time; 0: by the number of processors"),
    WORKERS("workers", "0", whole(0, 10_000), "Pipeline steps at a time; 0: the number of processors"),
    INFERENCE_NAME(
            "inference.server-name", "tidemill", new SettingRule.Name(), "Server name that inference clients are told"),
    INFERENCE_VERSION(
            "inference.server-version",
            "",
            new SettingRule.Text(),
            "Version that inference clients are told; empty: the real one"),
    INFERENCE_MEMORY(
            "inference.memory-megabytes",
            "1024",
            whole(1, 1 << 30),
            "Above this, models that nobody uses are unloaded"),
    JOURNAL_LIMIT(
            "inference.journal-limit",
            "4096",
            whole(1, 1 << 30),
            "Megabytes of predictions that may wait in files while the database takes none"),
    INFERENCE_IDLE(
            "inference.idle-minutes",
            "60",
            whole(0, 1_000_000),
            "Without a call for so long a model is unloaded; 0: never"),
    PAYLOADS_SINK(
            "payloads.sink",
            "",
            new SettingRule.HttpAddress(),
            "HTTP address that gets requests and answers as CloudEvents; empty: none"),
    PAYLOADS_LOG(
            "payloads.log", "false", flag(), "Whether each prediction is a line in the log: what, who, which version"),
    PAYLOADS_PARQUET(
            "payloads.parquet",
            "false",
            flag(),
            "Whether requests and answers are kept as Parquet in the data directory"),
    PAYLOADS_SHARE(
            "payloads.share", "1", new SettingRule.Share(), "Share of the requests that is logged so, from 0 to 1"),
    PAYLOADS_KEEP("payloads.keep-days", "30", whole(0, 100_000), "Days after which such files are deleted; 0: never"),
    PAYLOADS_AGE(
            "payloads.file-seconds", "60", whole(1, 86_400), "After how long logged rows become a file at the latest"),
    ONNX_THREADS("inference.onnx-threads", "1", whole(1, 256), "Threads that one call of ONNX Runtime may use"),
    PYTHON(
            "inference.python",
            "python3",
            new SettingRule.Name(),
            "Interpreter that environments of Python models are made with"),
    PYTHON_ENVIRONMENT(
            "inference.python-environment",
            "",
            new SettingRule.Existing(true),
            "A virtual environment that serves every Python model; empty: one is built for each set of requirements"),
    PYTHON_WORKERS("inference.python-workers", "2", whole(1, 64), "Processes of each Python model"),
    PYTHON_MEMORY("inference.python-megabytes", "4096", whole(64, 1 << 20), "Most memory of one such process"),
    PYTHON_PATIENCE(
            "inference.python-seconds", "60", whole(1, 86_400), "How long one prediction of such a process may take"),
    PYTHON_ISOLATION(
            "inference.python-isolation",
            "auto",
            new SettingRule.Words(List.of("auto", "required", "off"), false),
            "auto: Python models run as far apart as this machine allows; required: or not at all; off: as this user"),
    PYTHON_ENVIRONMENT_MEGABYTES(
            "inference.python-environments-megabytes",
            "20480",
            whole(0, 1 << 30),
            "Above this, built environments that no loaded model uses are deleted, the longest unused first"),
    PYTHON_ENVIRONMENT_DAYS(
            "inference.python-environments-days",
            "30",
            whole(0, 100_000),
            "Days unused after which one is deleted; 0: never"),
    CHILD_HEAP("children.heap-megabytes", "512", whole(16, 1 << 20), "Heap of each child JVM"),
    OUTBOUND_ALLOW_INTERNAL(
            "outbound.allow-internal",
            "",
            new SettingRule.Text(),
            "Internal host:port entries that webhooks may reach"),
    SECRETS_KEY(
            "secrets.key",
            "",
            new SettingRule.Key(32),
            "Base64 of 32 bytes that stored secrets are encrypted with; empty: a file in the data directory"),
    TRACES_ENDPOINT(
            "telemetry.traces-endpoint",
            "",
            new SettingRule.HttpAddress(),
            "OTLP over HTTP endpoint for traces; empty: none"),
    LOG_LEVEL(
            "log.level",
            "info",
            new SettingRule.Words(List.of("error", "warn", "info", "debug"), false),
            "error, warn, info or debug"),
    LOG_FORMAT("log.format", "text", new SettingRule.Words(List.of("text", "json"), false), "text or json"),
    TESTING("testing", "false", flag(), "Opens the reset route; loopback only");

    /** What the names of environment variables begin with. */
    static final String VARIABLES = "TIDEMILL_";

    private final String key;
    private final String defaultValue;
    private final SettingRule rule;
    private final String meaning;

    Setting(String key, String defaultValue, SettingRule rule, String meaning) {
        this.key = key;
        this.defaultValue = defaultValue;
        this.rule = rule;
        this.meaning = meaning;
    }

    public String key() {
        return key;
    }

    public String defaultValue() {
        return defaultValue;
    }

    public String meaning() {
        return meaning;
    }

    SettingRule rule() {
        return rule;
    }

    /** The environment variable that sets it. */
    public String variable() {
        return VARIABLES + key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    private static SettingRule whole(int least, int most) {
        return new SettingRule.Whole(least, most);
    }

    private static SettingRule days() {
        return new SettingRule.Whole(0, 999_999);
    }

    private static SettingRule flag() {
        return new SettingRule.Words(List.of("true", "false"), false);
    }

    /** Whether a setting has this key. */
    public static boolean isKey(String text) {
        return find(text).isPresent();
    }

    static Optional<Setting> find(String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.key.equals(key))
                .findFirst();
    }

    static List<String> keys() {
        return Arrays.stream(values()).map(Setting::key).toList();
    }
}
