package dev.tidemill.registry.mlflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelFiles.Verdict;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders as MLflow writes them are data; each way in which one brings code along is named. */
class FolderCodeTest {
    private static final byte[] EMPTY_DICT = "\u0080\u0004}.".getBytes(StandardCharsets.ISO_8859_1);
    private static final String SKLEARN = """
            flavors:
              python_function:
                env:
                  conda: conda.yaml
                  virtualenv: python_env.yaml
                loader_module: mlflow.sklearn
                model_path: model.pkl
                predict_fn: predict
                python_version: 3.11.7
              sklearn:
                code: null
                pickled_model: model.pkl
                serialization_format: cloudpickle
                sklearn_version: 1.7.2
            """;
    private static final String CONDA = """
            channels:
            - conda-forge
            dependencies:
            - python=3.11.7
            - pip<=23.2.1
            - pip:
              - mlflow==3.17.2
              - scikit-learn==1.7.2
            name: mlflow-env
            """;
    private static final String PYTHON_ENV = """
            python: 3.11.7
            build_dependencies:
            - pip==23.2.1
            - setuptools==68.0.0
            - wheel
            dependencies:
            - -r requirements.txt
            """;

    @TempDir
    private Path root;

    private FolderBlobStore blobs;
    private final Map<String, byte[]> files = new TreeMap<>();

    @BeforeEach
    void aModelOfScikitLearn() {
        blobs = new FolderBlobStore(root.resolve("blobs"));
        put("MLmodel", SKLEARN);
        put("conda.yaml", CONDA);
        put("python_env.yaml", PYTHON_ENV);
        put("requirements.txt", "mlflow==3.17.2\nscikit-learn==1.7.2\n");
        files.put("model.pkl", EMPTY_DICT);
    }

    private void put(String path, String text) {
        files.put(path, text.getBytes(StandardCharsets.UTF_8));
    }

    private ModelFiles inspected() {
        return new FolderInspector(blobs).inspect(Folder.store(blobs, files));
    }

    @Test
    void whatMlflowWritesIsData() {
        assertThat(inspected().held()).isEmpty();
        put(
                "requirements.txt",
                "# made by mlflow\n\nmlflow[extras]>=2.1,<4 ; python_version < '3.13'\nnumpy==2.1 \\\n    --hash=sha256:"
                        + "ab".repeat(32) + "\n");
        assertThat(inspected().held()).isEmpty();
        put("input_example.json", "{}");
        put("metadata/MLmodel.bak", "x");
        assertThat(inspected().held()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "code/mine.py",
                "code/data.bin",
                "helper.py",
                "lib/fast.so",
                "wheels/mine-1.0-py3-none-any.whl",
                "x.PYC",
                "sub/run.sh",
                "sub/MLmodel",
                "data/pickle_module_info.txt",
            })
    void aFileThatIsCodeIsNamed(String path) {
        put(path, "x");
        assertThat(inspected().held()).anyMatch(reason -> reason.contains(path));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://evil.invalid/mine-1.0.tar.gz",
                "mine @ https://evil.invalid/mine-1.0.tar.gz",
                "git+https://evil.invalid/mine.git",
                "-e git+https://evil.invalid/mine.git#egg=mine",
                "--index-url https://evil.invalid/simple",
                "-i https://evil.invalid/simple",
                "--extra-index-url=https://evil.invalid/simple",
                "--find-links ./wheels",
                "-f wheels",
                "-r other.txt",
                "-c other.txt",
                "--no-binary :all:",
                "--trusted-host evil.invalid",
                "./mine",
                "../mine",
                "/tmp/mine",
                "mine.tar.gz",
                "mine-1.0-py3-none-any.whl",
                "file:///tmp/mine",
                "mine --global-option=--x",
                "mine ; python_version < '4' --config-settings=x",
                "mine --hash=sha256:zz",
                "${HOME}/mine",
                "mine==1 --install-option=x",
                "m\u00efne",
            })
    void aRequirementThatIsNoNameWithVersionsIsNamed(String line) {
        put("requirements.txt", "numpy\n" + line + "\n");
        assertThat(inspected().held()).hasSize(1).first().asString().startsWith("requirements.txt");
        put("requirements.txt", "numpy\n");
        put("conda.yaml", "dependencies:\n- pip:\n  - \"" + line.replace("\\", "\\\\") + "\"\n");
        assertThat(inspected().held()).hasSize(1).first().asString().startsWith("conda.yaml");
        files.remove("conda.yaml");
        put("python_env.yaml", "dependencies:\n- \"" + line + "\"\n");
        assertThat(inspected().held()).hasSize(1).first().asString().startsWith("python_env.yaml");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "loader_module: mlflow.sklearn | loader_module: mine.loader",
                "loader_module: mlflow.sklearn | loader_module: mlflow.sklearn.utils",
                "loader_module: mlflow.sklearn | loader_module: os",
                "loader_module: mlflow.sklearn | loader_module: [mlflow.sklearn]",
                "predict_fn: predict | predict_fn: __reduce__",
                "predict_fn: predict | code: lib",
                "predict_fn: predict | model_code_path: model.txt",
                "predict_fn: predict | data: ../../elsewhere",
                "predict_fn: predict | data: /etc/passwd",
                "predict_fn: predict | data: ./model.pkl",
                "model_path: model.pkl | model_path: sub//model.pkl",
                "conda: conda.yaml | conda: ../conda.yaml",
                "code: null | code: lib",
                "code: null | model_class: mine.Model",
                "code: null | <<: {}",
            })
    void aDescriptionThatLeadsToCodeIsNamed(String usual, String odd) {
        put("MLmodel", SKLEARN.replace(usual, odd));
        assertThat(inspected().held()).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "channels: [https://evil.invalid/channel]", "channels: [somebody]", "channels: ./here",
                "dependencies: [https://evil.invalid/x.conda]", "dependencies: [somebody::numpy]",
                        "dependencies: [{npm: [x]}]",
                "dependencies: [./x.tar.bz2]", "dependencies: {", "dependencies: numpy",
            })
    void aCondaEnvironmentFromElsewhereIsNamed(String text) {
        put("conda.yaml", text);
        assertThat(inspected().held()).hasSize(1).first().asString().startsWith("conda.yaml");
    }

    @Test
    void aPickleIsJudgedWhateverItIsCalled() {
        put("MLmodel", SKLEARN.replace("model.pkl", "model.txt"));
        put("model.txt", "cos\nsystem\n(S'id'\ntR.");
        assertThat(inspected().held())
                .singleElement()
                .asString()
                .contains("model.txt")
                .contains("os.system");
    }

    @Test
    void anArchiveThatShowsTwoFacesIsNotLetPass() throws IOException {
        byte[] harmless = archive(
                "schema.json",
                "{\"__class__\": \"list\", \"__module__\": \"builtins\", \"__loader__\": \"ListNode\", \"protocol\": 2}");
        byte[] evil = archive(
                "schema.json",
                "{\"__class__\": \"system\", \"__module__\": \"os\", \"__loader__\": \"FunctionNode\", \"protocol\": 2}");
        files.put("model.pkl", harmless);
        assertThat(inspected().pickles()).extracting(ModelFiles.Pickle::verdict).containsExactly(Verdict.ALLOWED);
        files.put("model.pkl", evil);
        assertThat(inspected().pickles()).extracting(ModelFiles.Pickle::verdict).containsExactly(Verdict.REFUSED);
        // Python reads the last directory, a stream the first entries.
        var both = new ByteArrayOutputStream();
        both.writeBytes(harmless);
        both.writeBytes(evil);
        files.put("model.pkl", both.toByteArray());
        assertThat(inspected().pickles()).extracting(ModelFiles.Pickle::verdict).containsExactly(Verdict.UNREADABLE);
        var behind = new ByteArrayOutputStream();
        behind.writeBytes(EMPTY_DICT);
        behind.writeBytes(evil);
        files.put("model.pkl", behind.toByteArray());
        assertThat(inspected().pickles()).extracting(ModelFiles.Pickle::verdict).containsExactly(Verdict.REFUSED);
    }

    private static byte[] archive(String name, String content) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            var entry = new ZipEntry(name);
            byte[] text = content.getBytes(StandardCharsets.UTF_8);
            var crc = new java.util.zip.CRC32();
            crc.update(text);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(text.length);
            entry.setCrc(crc.getValue());
            zip.putNextEntry(entry);
            zip.write(text);
        }
        return bytes.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"x: 1\nx: 2\n", "a: !!float 1\nb: !!omap [x: 1]\n", "# \u2028flavors: {}\n", "# \u0085x: 1\n"})
    void aDescriptionThatReadersUnderstandDifferentlyIsHeld(String more) {
        put("MLmodel", "flavors:\n  onnx:\n    data: model.onnx\n" + more);
        assertThat(inspected().held()).anyMatch(reason -> reason.contains("MLmodel"));
    }

    @Test
    void aDescriptionThatIsTooLargeToBeReadIsHeld() {
        put("MLmodel", "flavors:\n  onnx:\n    data: model.onnx\n# " + "y".repeat(5 << 20) + "\n");
        assertThat(inspected().held()).anyMatch(reason -> reason.contains("MLmodel is larger than"));
    }

    @Test
    void aDescriptionThatIsWithinItselfIsRefused() {
        put("MLmodel", "flavors: &a {b: *a}\n");
        org.assertj.core.api.Assertions.assertThatThrownBy(this::inspected)
                .hasMessageContaining("'a' is within itself");
    }

    @Test
    void typesThatTheAuthorTrustsAreHeld() {
        put("MLmodel", "flavors:\n  sklearn:\n    pickled_model: m.skops\n    skops_trusted_types: [os.system]\n");
        assertThat(inspected().held()).anyMatch(reason -> reason.contains("os.system"));
        put("MLmodel", "flavors:\n  sklearn:\n    pickled_model: m.skops\n    skops_trusted_types: os.system\n");
        assertThat(inspected().held()).anyMatch(reason -> reason.contains("os.system"));
        // What MLflow itself writes of LightGBM's models.
        put("MLmodel", """
                flavors:
                  lightgbm:
                    model_binary: m.skops
                    skops_trusted_types: [lightgbm.sklearn.LGBMRegressor, collections.OrderedDict,
                                          lightgbm.sklearn.LGBMClassifier, lightgbm.basic.Booster]
                """);
        assertThat(inspected().held()).noneMatch(reason -> reason.contains("trusts"));
        put("MLmodel", "flavors:\n  sklearn:\n    pickled_model: m.skops\n    skops_trusted_types: []\n");
        assertThat(inspected().held()).noneMatch(reason -> reason.contains("trusts"));
    }
}
