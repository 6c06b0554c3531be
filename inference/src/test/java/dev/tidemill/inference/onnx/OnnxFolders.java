package dev.tidemill.inference.onnx;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.registry.domain.ModelDescription;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Opens models of tests as the server does, from a folder with a lone file. */
public final class OnnxFolders {
    private final BlobStore blobs;
    private final OnnxModels runtime;

    public OnnxFolders(Path directory) {
        this.blobs = new FolderBlobStore(directory.resolve("blobs"));
        this.runtime = new OnnxModels(directory.resolve("onnx"), 1);
    }

    public LoadedModel open(OnnxBytes model) {
        return runtime.open(folder(model)).orElseThrow();
    }

    public ModelFolder folder(OnnxBytes model) {
        Folder folder = Folder.store(blobs, Map.of("model.onnx", model.model()));
        return new ModelFolder(
                new ServedVersion("default", "m", 1, folder.digest(), false),
                new ModelDescription(Map.of(), Optional.empty()),
                folder,
                blobs);
    }
}
