package dev.tidemill.inference.python;

import java.util.Map;
import java.util.Set;

/** What a child process may see of the server's environment variables: nothing that could be a secret. */
final class ChildEnvironment {
    private static final Set<String> KEPT = Set.of(
            "PATH",
            "HOME",
            "LANG",
            "LC_ALL",
            "TMPDIR",
            "TZ",
            "LD_LIBRARY_PATH",
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "PIP_INDEX_URL",
            "PIP_CERT",
            "PIP_CACHE_DIR",
            "PIP_CONFIG_FILE",
            "HTTPS_PROXY",
            "HTTP_PROXY",
            "NO_PROXY",
            "https_proxy",
            "http_proxy",
            "no_proxy");

    private ChildEnvironment() {}

    static void restrict(ProcessBuilder builder) {
        Map<String, String> environment = builder.environment();
        environment.keySet().retainAll(KEPT);
        // One process answers one request at a time; its libraries need no threads of their own.
        environment.put("OMP_NUM_THREADS", "1");
        environment.put("OPENBLAS_NUM_THREADS", "1");
        environment.put("PYTHONUNBUFFERED", "1");
        environment.put("PYTHONDONTWRITEBYTECODE", "1");
        environment.put("MLFLOW_DISABLE_TELEMETRY", "true");
        environment.put("DO_NOT_TRACK", "true");
    }
}
