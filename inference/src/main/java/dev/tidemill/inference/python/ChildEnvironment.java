package dev.tidemill.inference.python;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What a child process may see of the server's environment variables: nothing that could be a secret. */
final class ChildEnvironment {
    private static final Set<String> PLAIN =
            Set.of("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE");
    private static final Set<String> PROXIES =
            Set.of("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy");

    private ChildEnvironment() {}

    /**
     * For a process that runs a model.
     *
     * @param network whether it may use the network, hence has to know of proxies
     */
    static void restrictWorker(ProcessBuilder builder, boolean network) {
        Set<String> kept = new TreeSet<>(PLAIN);
        if (network) {
            kept.addAll(PROXIES);
        }
        Map<String, String> environment = builder.environment();
        environment.keySet().retainAll(kept);
        environment.put("HOME", "/tmp");
        environment.put("TMPDIR", "/tmp");
        environment.put("USER", "model");
        // One process answers one request at a time; its libraries need no threads of their own.
        environment.put("OMP_NUM_THREADS", "1");
        environment.put("OPENBLAS_NUM_THREADS", "1");
        environment.put("MLFLOW_DISABLE_TELEMETRY", "true");
        environment.put("DO_NOT_TRACK", "true");
        environment.put("ORT_DISABLE_TELEMETRY", "1");
    }

    /** For pip, which has to find its index: its own settings may name it, with a password. */
    static void restrictInstaller(ProcessBuilder builder) {
        builder.environment()
                .keySet()
                .removeIf(name -> !PLAIN.contains(name)
                        && !PROXIES.contains(name)
                        && !name.equals("HOME")
                        && !name.equals("TMPDIR")
                        && !name.startsWith("PIP_"));
        builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
        // What it says is in its log at once: whoever waits is told how far it is.
        builder.environment().put("PYTHONUNBUFFERED", "1");
        builder.environment().put("PIP_NO_INPUT", "1");
        builder.environment().put("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    }
}
