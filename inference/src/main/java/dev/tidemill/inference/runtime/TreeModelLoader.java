package dev.tidemill.inference.runtime;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.trees.InputColumn;
import dev.tidemill.trees.TabularModel;
import dev.tidemill.trees.UnsupportedModelException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Loads tree models from MLflow model folders with the {@code tidemill} flavour. Keeps the last few in memory. */
public final class TreeModelLoader implements ModelLoader {
    private static final int KEPT = 32;
    static final String ENCODING = "tidemill/encoding.json";
    static final String TREES = "model.json";

    private final BlobStore blobs;
    private final Map<Digest, LoadedModel> loaded = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, LoadedModel> eldest) {
            return size() > KEPT;
        }
    };

    public TreeModelLoader(BlobStore blobs) {
        this.blobs = blobs;
    }

    @Override
    public synchronized LoadedModel load(ServedVersion version) {
        LoadedModel known = loaded.get(version.folder());
        if (known != null) {
            return known;
        }
        Folder folder = Folder.load(blobs, version.folder());
        try {
            var model = new TreeModel(TabularModel.parse(read(folder, ENCODING), read(folder, TREES)));
            // A row of nothing but missing values must already give a number.
            model.predict(Map.of());
            loaded.put(version.folder(), model);
            return model;
        } catch (UnsupportedModelException e) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "Model " + version.reference() + " cannot be served: " + e.getMessage())
                    .causedBy(e);
        }
    }

    private byte[] read(Folder folder, String path) {
        return blobs.read(folder.file(path)
                .orElseThrow(() -> new UnsupportedModelException("its folder has no file " + path))
                .digest());
    }

    private record TreeModel(TabularModel model) implements LoadedModel {
        @Override
        public List<Tensor> inputs() {
            return model.columns().stream()
                    .map(column -> new Tensor(column.name(), column.isText() ? "BYTES" : "FP64"))
                    .toList();
        }

        @Override
        public int outputs() {
            return predict(Map.of()).length;
        }

        @Override
        public List<String> classes() {
            return model.classes();
        }

        @Override
        public double[] predict(Map<String, ? extends @Nullable Object> row) {
            var values = new ArrayList<@Nullable Object>();
            for (InputColumn column : model.columns()) {
                values.add(row.get(column.name()));
            }
            return model.predict(model.encode(values));
        }
    }
}
