package dev.tidemill.inference.onnx;

import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.UnpackedModel;
import dev.tidemill.trees.OnnxTrees;
import dev.tidemill.trees.UnsupportedModelException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Models of MLflow's {@code onnx} flavor, and folders with a lone {@code .onnx} file. Thread-safe. */
public final class OnnxModels implements ModelRuntime {
    private static final Logger LOG = LoggerFactory.getLogger(OnnxModels.class);
    private static final String FLAVOR = "onnx";

    private final Path folder;
    private final int threads;

    /**
     * @param folder where models are unpacked while they are open; what is left there by an earlier process is removed
     * @param threads that one call of a model may use
     */
    public OnnxModels(Path folder, int threads) {
        this.folder = folder;
        this.threads = threads;
        UnpackedModel.sweep(folder);
    }

    @Override
    public Optional<LoadedModel> open(ModelFolder files) {
        Optional<String> file = file(files);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        byte[] content = files.read(file.get());
        try {
            return Optional.of(new OnnxTreeModel(
                    OnnxTrees.parse(content), files.description().signature(), content.length));
        } catch (UnsupportedModelException e) {
            LOG.debug("{} is left to ONNX Runtime: {}", files.version().reference(), e.getMessage());
        }
        // Weights in files of their own are looked for beside the model, and nowhere else.
        return Optional.of(OnnxModel.open(files, UnpackedModel.of(files, folder), file.get(), content, threads));
    }

    private static Optional<String> file(ModelFolder files) {
        Optional<String> named = files.description().setting(FLAVOR, "data");
        if (named.isPresent() || !files.description().flavors().isEmpty()) {
            return named.filter(files::has);
        }
        List<String> fitting = files.folder().files().keySet().stream()
                .filter(path -> path.endsWith(".onnx"))
                .toList();
        return fitting.size() == 1 ? Optional.of(fitting.getFirst()) : Optional.empty();
    }
}
