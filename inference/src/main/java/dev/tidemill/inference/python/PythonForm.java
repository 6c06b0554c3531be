package dev.tidemill.inference.python;

import dev.tidemill.inference.domain.ModelFolder;
import java.util.List;
import java.util.Optional;

/** What a folder holds that Python can load. */
enum PythonForm {
    /** MLflow's {@code pyfunc}, which says itself what it requires. */
    PYFUNC("pyfunc", "mlflow_pyfunc", ""),
    /** A TensorFlow SavedModel that was registered as it is. */
    SAVED_MODEL("savedmodel", "tensorflow_savedmodel", "tensorflow-cpu\nnumpy\n"),
    /** A TorchScript file that was registered as it is. */
    TORCHSCRIPT("torchscript", "pytorch_libtorch", "torch\nnumpy\n");

    private final String argument;
    private final String platform;
    private final String requirements;

    PythonForm(String argument, String platform, String requirements) {
        this.argument = argument;
        this.platform = platform;
        this.requirements = requirements;
    }

    /** How the script is told. */
    String argument() {
        return argument;
    }

    /** What clients are told that runs it. */
    String platform() {
        return platform;
    }

    /** What is installed where the folder does not say; empty if it has to say. */
    String requirements() {
        return requirements;
    }

    /** The form of a folder; empty if it is none of these. */
    static Optional<PythonForm> of(ModelFolder folder) {
        if (folder.description().flavors().containsKey("python_function")) {
            return Optional.of(PYFUNC);
        }
        if (!folder.description().flavors().isEmpty()) {
            return Optional.empty();
        }
        if (folder.has("saved_model.pb")) {
            return Optional.of(SAVED_MODEL);
        }
        List<String> scripts = folder.folder().files().keySet().stream()
                .filter(path -> path.endsWith(".pt") || path.endsWith(".torchscript"))
                .toList();
        return scripts.size() == 1 ? Optional.of(TORCHSCRIPT) : Optional.empty();
    }
}
