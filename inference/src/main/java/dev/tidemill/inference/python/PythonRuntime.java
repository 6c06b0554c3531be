package dev.tidemill.inference.python;

import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.domain.UnpackedModel;
import dev.tidemill.inference.runtime.SignatureTypes;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelInspector;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Whatever MLflow's {@code pyfunc} can load, and bare TensorFlow SavedModels and TorchScript files, in child processes with the libraries that the model asks for. A pickle is opened
 * only if it refers to nothing beside the allow-list, or if somebody who may has said that they trust this version.
 */
public final class PythonRuntime implements ModelRuntime {
    private static final String SCRIPT = "serve_model.py";

    private final PythonSettings settings;
    private final ModelInspector inspector;
    private final PythonEnvironments environments;
    private final Path models;

    public PythonRuntime(PythonSettings settings, ModelInspector inspector) {
        this.settings = settings;
        this.inspector = inspector;
        this.environments = new PythonEnvironments(settings);
        this.models = settings.folder().resolve("models");
        UnpackedModel.sweep(models);
    }

    @Override
    public Optional<LoadedModel> open(ModelFolder folder) {
        Optional<PythonForm> form = PythonForm.of(folder);
        if (form.isEmpty()) {
            return Optional.empty();
        }
        if (!folder.version().trusted()) {
            if (form.get() == PythonForm.SAVED_MODEL) {
                throw folder.unusable("it is a SavedModel, whose graph may read and write files")
                        .remedy(trust(folder));
            }
            checkPickles(folder);
        }
        Path interpreter = environments.interpreter(folder, form.get());
        Path script = script();
        List<TensorSpec> inputs = folder.description()
                .signature()
                .flatMap(signature -> SignatureTypes.specs(signature.inputs(), "input"))
                .orElse(List.of());
        List<TensorSpec> outputs = folder.description()
                .signature()
                .flatMap(signature -> SignatureTypes.specs(signature.outputs(), "prediction"))
                .orElse(List.of());
        var unpacked = UnpackedModel.of(folder, models);
        try {
            return Optional.of(new PythonModel(
                    () -> PythonWorker.start(
                            interpreter, script, form.get(), unpacked.folder(), settings.memoryMegabytes()),
                    form.get().platform(),
                    settings.workers(),
                    settings.patience(),
                    MostRows.of(folder),
                    inputs,
                    outputs,
                    unpacked));
        } catch (RuntimeException e) {
            unpacked.close();
            throw e;
        }
    }

    private void checkPickles(ModelFolder folder) {
        ModelFiles files = inspector.inspect(folder.folder());
        if (files.safe()) {
            return;
        }
        String refused = files.pickles().stream()
                .filter(pickle -> pickle.verdict() != ModelFiles.Verdict.ALLOWED)
                .map(pickle -> pickle.path() + " ("
                        + pickle.refused().stream().limit(5).collect(Collectors.joining(", ")) + ")")
                .limit(5)
                .collect(Collectors.joining("; "));
        throw folder.unusable("it holds pickles that may run code beside the allow-list: " + refused)
                .remedy(trust(folder));
    }

    private static String trust(ModelFolder folder) {
        return "If you trust who made it: tidemill models trust "
                + folder.version().reference();
    }

    private Path script() {
        Path target = settings.folder().resolve(SCRIPT);
        try (InputStream script = PythonRuntime.class.getResourceAsStream(SCRIPT)) {
            if (script == null) {
                throw new IllegalStateException(SCRIPT + " is not in the jar");
            }
            Path aside = Files.createTempFile(Files.createDirectories(settings.folder()), "script", ".py");
            Files.copy(script, aside, StandardCopyOption.REPLACE_EXISTING);
            Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return target;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
