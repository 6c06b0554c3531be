package dev.tidemill.inference.python;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelEnvironment;
import dev.tidemill.inference.domain.ModelEnvironments;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.domain.UnpackedModel;
import dev.tidemill.inference.runtime.SignatureTypes;
import dev.tidemill.platform.threads.Loop;
import dev.tidemill.registry.domain.ModelInspector;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Whatever MLflow's {@code pyfunc} can load, and bare TensorFlow SavedModels and TorchScript files, in child processes with the
 * libraries that the model asks for, apart from each other and from the server. A folder that holds code, or a pickle that refers
 * to more than the allow-list holds, is opened only if somebody who may has said that they trust this version. This is the one
 * place where that is decided: every way to a prediction comes through here.
 */
public final class PythonRuntime implements ModelRuntime, ModelEnvironments, AutoCloseable {
    private static final String SCRIPT = "serve_model.py";

    private static final int KEPT_VERDICTS = 1_000;

    private final PythonSettings settings;
    private final ModelInspector inspector;
    private final Isolation isolation;
    private final PythonEnvironments environments;
    private final Path models;
    /** What a look into a folder has found, by its digest: a caller who waits for an environment asks every second. */
    private final Map<Digest, List<String>> verdicts =
            Collections.synchronizedMap(new LinkedHashMap<>(16, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<Digest, List<String>> eldest) {
                    return size() > KEPT_VERDICTS;
                }
            });

    public PythonRuntime(PythonSettings settings, ModelInspector inspector, Clock clock) {
        this.settings = settings;
        this.inspector = inspector;
        this.isolation = Isolation.choose(settings);
        var interpreters = new Interpreters(Path.of(settings.interpreter()));
        this.environments =
                new PythonEnvironments(settings, new Installer(settings, isolation, interpreters), interpreters, clock);
        this.models = settings.folder().resolve("models");
        UnpackedModel.sweep(models);
    }

    @Override
    public Optional<LoadedModel> open(ModelFolder folder) {
        Optional<PythonForm> form = PythonForm.of(folder);
        if (form.isEmpty()) {
            return Optional.empty();
        }
        isolation.requireInForce();
        if (!folder.version().trusted()) {
            if (form.get() == PythonForm.SAVED_MODEL) {
                throw folder.unusable("it is a SavedModel, whose graph may read and write files")
                        .remedy(trust(folder));
            }
            requireData(folder);
        }
        PythonEnvironments.Lease environment = environments.lease(folder, form.get());
        try {
            return Optional.of(started(folder, form.get(), environment));
        } catch (RuntimeException | Error e) {
            environment.close();
            throw e;
        }
    }

    private LoadedModel started(ModelFolder folder, PythonForm form, PythonEnvironments.Lease environment) {
        Path script = PackagedScript.write(SCRIPT, settings.folder());
        List<TensorSpec> inputs = folder.description()
                .signature()
                .flatMap(signature -> SignatureTypes.specs(signature.inputs(), "input"))
                .orElse(List.of());
        List<TensorSpec> outputs = folder.description()
                .signature()
                .flatMap(signature -> SignatureTypes.specs(signature.outputs(), "prediction"))
                .orElse(List.of());
        boolean network = folder.version().network();
        var unpacked = UnpackedModel.of(folder, models);
        try {
            List<Path> readable = new ArrayList<>(environment.readable());
            readable.add(script);
            readable.add(unpacked.folder());
            var needs = new Isolation.Needs(readable, List.of(), unpacked.folder(), network);
            return new PythonModel(
                    () -> PythonWorker.start(
                            environment.interpreter(),
                            script,
                            form,
                            unpacked.folder(),
                            settings.memoryMegabytes(),
                            isolation,
                            needs),
                    form.platform(),
                    settings.workers(),
                    settings.patience(),
                    MostRows.of(folder),
                    inputs,
                    outputs,
                    () -> {
                        unpacked.close();
                        environment.close();
                    });
        } catch (RuntimeException | Error e) {
            unpacked.close();
            throw e;
        }
    }

    @Override
    public String isolation() {
        return isolation.description();
    }

    @Override
    public boolean isIsolated() {
        return isolation.isInForce();
    }

    /** What removes environments that nobody uses. */
    public Loop loop() {
        return environments.loop();
    }

    @Override
    public List<ModelEnvironment> environments() {
        var all = new ArrayList<ModelEnvironment>();
        environments
                .builds()
                .forEach(build -> all.add(new ModelEnvironment(
                        build.id(),
                        build.phase().name().toLowerCase(Locale.ROOT),
                        build.model(),
                        0,
                        build.since(),
                        0,
                        build.phase() == EnvironmentBuild.Phase.FAILED ? build.failure() : build.progress(),
                        build.nextTry())));
        environments
                .finished()
                .forEach(one -> all.add(new ModelEnvironment(
                        one.id(), "ready", "", one.bytes(), one.lastUsed(), one.users(), "", Optional.empty())));
        return all;
    }

    @Override
    public boolean retry(String id) {
        return environments.forgive(id);
    }

    @Override
    public void close() {
        environments.close();
    }

    private List<String> verdict(ModelFolder folder) {
        List<String> known = verdicts.get(folder.version().folder());
        if (known != null) {
            return known;
        }
        List<String> held = inspector.inspect(folder.folder()).held();
        verdicts.put(folder.version().folder(), held);
        return held;
    }

    private void requireData(ModelFolder folder) {
        List<String> held = verdict(folder);
        if (!held.isEmpty()) {
            throw folder.unusable("it is held until somebody trusts its code: "
                            + held.stream().limit(5).collect(Collectors.joining("; "))
                            + (held.size() > 5 ? "; and " + (held.size() - 5) + " more" : ""))
                    .remedy(trust(folder));
        }
    }

    private static String trust(ModelFolder folder) {
        return "If you trust who made it: tidemill models trust "
                + folder.version().reference();
    }
}
