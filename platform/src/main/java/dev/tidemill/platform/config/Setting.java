package dev.tidemill.platform.config;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** Every setting of the server: its key, its default and what it means. */
public enum Setting {
    DATA_DIRECTORY("data.directory", "", "Where everything lives; empty: $XDG_DATA_HOME/tidemill"),
    DATABASE("database", "sqlite", "sqlite, or postgresql://user:password@host:5432/database"),
    DATABASE_TAKE_OVER(
            "database.take-over",
            "false",
            "Binds the database to this data directory, when the one with its files is lost"),
    ROLES("roles", "control,gateway,worker", "What this process does"),
    CONTROL_URL("control.url", "", "A gateway without a database: the control plane it serves for"),
    CONTROL_TOKEN("control.token", "", "An administrator's token at the control plane"),
    HTTP_HOST("http.host", "127.0.0.1", "Address to listen on; any but loopback demands authentication"),
    HTTP_PORT("http.port", "8080", "Port for HTTP; 0 picks a free one"),
    GRPC_PORT("grpc.port", "8081", "Port for gRPC; 0 picks a free one"),
    TLS_CERTIFICATE("tls.certificate", "", "PEM file with the server's certificate; with tls.key it speaks TLS alone"),
    TLS_KEY("tls.key", "", "PEM file with the certificate's private key, PKCS #8"),
    HTTP_ALLOWED_HOSTS("http.allowed-hosts", "", "Host names under which the server is addressed, beside loopback"),
    HTTP_ALLOWED_ORIGINS(
            "http.allowed-origins", "", "Origins of other pages that may call, such as https://ml.example.com"),
    HTTP_MAX_BODY("http.max-body-megabytes", "16", "Largest JSON body; uploads are streamed and not bound by it"),
    HTTP_LEAST_RATE("http.least-bytes-per-second", "1024", "A body that comes more slowly for 10 s is ended; 0: never"),
    HTTP_CONNECTIONS("http.connections-per-address", "4096", "Connections that one address may have open"),
    HTTP_TRUSTED_PROXIES(
            "http.trusted-proxies", "", "Addresses and networks of reverse proxies whose X-Forwarded-For is believed"),
    ARTIFACT_ROOT(
            "artifacts.root",
            "mlflow-artifacts:/",
            "Where new experiments keep artifacts: ours, or an s3: or file: URI"),
    UPLOAD_LIMIT("artifacts.max-upload-megabytes", "10240", "Largest uploaded file"),
    RETENTION_DELETED("retention.deleted-days", "0", "Days after which deleted runs are gone for good; 0: never"),
    RETENTION_PREDICTIONS(
            "retention.predictions-days", "90", "Days after which journalled predictions are deleted; 0: never"),
    RETENTION_PREDICTIONS_LIMIT(
            "retention.predictions-limit",
            "50000000",
            "Journalled predictions of a deployment above which its oldest are deleted; some 0.4 KB each; 0: no limit"),
    RETENTION_WINDOWS("retention.windows-days", "730", "Days after which windows of monitoring are deleted; 0: never"),
    RETENTION_EVENTS("retention.events-days", "365", "Days after which events and refusals are deleted; 0: never"),
    RETENTION_PIPELINES(
            "retention.pipeline-days",
            "90",
            "Days after which ended pipeline runs go, with steps and logs; 0: never. The newest ten of each pipeline stay"),
    RETENTION_PAUSE("retention.every-minutes", "60", "Pause after which what is kept too long is looked for again"),
    INTERACTIVE(
            "children.interactive", "0", "Computations that people wait for at a time; 0: by the number of processors"),
    WORKERS("workers", "0", "Pipeline steps at a time; 0: the number of processors"),
    INFERENCE_NAME("inference.server-name", "tidemill", "Server name that inference clients are told"),
    INFERENCE_VERSION("inference.server-version", "", "Version that inference clients are told; empty: the real one"),
    INFERENCE_MEMORY("inference.memory-megabytes", "1024", "Above this, models that nobody uses are unloaded"),
    JOURNAL_LIMIT(
            "inference.journal-limit",
            "4096",
            "Megabytes of predictions that may wait in files while the database takes none"),
    INFERENCE_IDLE("inference.idle-minutes", "60", "Without a call for so long a model is unloaded; 0: never"),
    PAYLOADS_SINK("payloads.sink", "", "HTTP address that gets requests and answers as CloudEvents; empty: none"),
    PAYLOADS_LOG("payloads.log", "false", "Whether each prediction is a line in the log: what, who, which version"),
    PAYLOADS_PARQUET(
            "payloads.parquet", "false", "Whether requests and answers are kept as Parquet in the data directory"),
    PAYLOADS_SHARE("payloads.share", "1", "Share of the requests that is logged so, from 0 to 1"),
    PAYLOADS_KEEP("payloads.keep-days", "30", "Days after which such files are deleted; 0: never"),
    PAYLOADS_AGE("payloads.file-seconds", "60", "After how long logged rows become a file at the latest"),
    ONNX_THREADS("inference.onnx-threads", "1", "Threads that one call of ONNX Runtime may use"),
    PYTHON("inference.python", "python3", "Interpreter that environments of Python models are made with"),
    PYTHON_ENVIRONMENT(
            "inference.python-environment",
            "",
            "A virtual environment that serves every Python model; empty: one is built for each set of requirements"),
    PYTHON_WORKERS("inference.python-workers", "2", "Processes of each Python model"),
    PYTHON_MEMORY("inference.python-megabytes", "4096", "Most memory of one such process"),
    PYTHON_PATIENCE("inference.python-seconds", "60", "How long one prediction of such a process may take"),
    PYTHON_ISOLATION(
            "inference.python-isolation",
            "auto",
            "auto: Python models run as far apart as this machine allows; required: or not at all; off: as this user"),
    PYTHON_ENVIRONMENT_MEGABYTES(
            "inference.python-environments-megabytes",
            "20480",
            "Above this, built environments that no loaded model uses are deleted, the longest unused first"),
    PYTHON_ENVIRONMENT_DAYS(
            "inference.python-environments-days", "30", "Days unused after which one is deleted; 0: never"),
    CHILD_HEAP("children.heap-megabytes", "512", "Heap of each child JVM"),
    OUTBOUND_ALLOW_INTERNAL("outbound.allow-internal", "", "Internal host:port entries that webhooks may reach"),
    SECRETS_KEY(
            "secrets.key",
            "",
            "Base64 of 32 bytes that stored secrets are encrypted with; empty: a file in the data directory"),
    TRACES_ENDPOINT("telemetry.traces-endpoint", "", "OTLP over HTTP endpoint for traces; empty: none"),
    LOG_LEVEL("log.level", "info", "error, warn, info or debug"),
    LOG_FORMAT("log.format", "text", "text or json"),
    TESTING("testing", "false", "Opens the reset route; loopback only");

    private final String key;
    private final String defaultValue;
    private final String meaning;

    Setting(String key, String defaultValue, String meaning) {
        this.key = key;
        this.defaultValue = defaultValue;
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

    static Optional<Setting> find(String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.key.equals(key))
                .findFirst();
    }

    static String keys() {
        return Arrays.stream(values()).map(Setting::key).collect(Collectors.joining(", "));
    }
}
