package dev.tidemill.registry.mlflow;

import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.registry.domain.Requirements;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What in a model folder is code and not data: what Python would import, run or install because the folder says so. What is
 * known to be data is a list, everything else is named as code. Pickles are judged apart, by
 * {@link dev.tidemill.registry.domain.PickleScan}.
 */
final class FolderCode {
    private static final String PYTHON = "python_function";
    private static final String DESCRIPTION = "MLmodel";
    private static final int MOST = 100;

    /** Loaders of MLflow that read numbers, and pickles that were judged, and import nothing that the folder names. */
    private static final Set<String> LOADERS = Set.of(
            "mlflow.sklearn",
            "mlflow.xgboost",
            "mlflow.lightgbm",
            "mlflow.catboost",
            "mlflow.onnx",
            "mlflow.pyfunc.model");

    private static final Set<String> MODEL_CLASSES = Set.of(
            "xgboost.core.Booster",
            "xgboost.sklearn.XGBModel",
            "xgboost.sklearn.XGBClassifier",
            "xgboost.sklearn.XGBRegressor",
            "xgboost.sklearn.XGBRanker",
            "xgboost.sklearn.XGBRFClassifier",
            "xgboost.sklearn.XGBRFRegressor",
            "lightgbm.basic.Booster",
            "lightgbm.sklearn.LGBMModel",
            "lightgbm.sklearn.LGBMClassifier",
            "lightgbm.sklearn.LGBMRegressor",
            "lightgbm.sklearn.LGBMRanker");

    private static final Set<String> PREDICTING = Set.of(
            "predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba", "score", "predict_stream");
    private static final Set<String> CHANNELS =
            Set.of("conda-forge", "defaults", "nodefaults", "main", "r", "anaconda", "pytorch", "nvidia", "bioconda");
    private static final Pattern CONDA_PACKAGE =
            Pattern.compile("[A-Za-z0-9._-]+(?:\\s*[=<>!~][A-Za-z0-9.*=<>!~,_+|\\s-]*)?");
    private static final Pattern CODE_FILE = Pattern.compile(
            ".*\\.(?:py|pyw|pyc|pyo|pyx|ipynb|so|so\\.[0-9.]+|dll|dylib|pyd|whl|egg|sh|bash|exe|jar|class|js|mjs|wasm|lua|r)");

    private final Map<?, ?> described;
    private final Folder folder;
    private final Function<String, Optional<String>> text;
    private final Set<String> found = new LinkedHashSet<>();

    private FolderCode(Map<?, ?> described, Folder folder, Function<String, Optional<String>> text) {
        this.described = described;
        this.folder = folder;
        this.text = text;
    }

    /**
     * Looks.
     *
     * @param described the parsed {@code MLmodel}
     * @param text reads a file of the folder; empty if it is not there or too large to be read
     * @return a sentence for each finding; empty if the folder holds data alone
     */
    static List<String> in(Map<?, ?> described, Folder folder, Function<String, Optional<String>> text) {
        var look = new FolderCode(described, folder, text);
        look.files();
        look.flavors();
        look.requirements();
        look.conda();
        look.pythonEnvironment();
        return look.found.stream().limit(MOST).toList();
    }

    /** Lines end at these in YAML 1.1, which Python reads, and not in YAML 1.2: what is a comment here is none there. */
    static List<String> lineEnds(String file, String content) {
        return content.chars().anyMatch(c -> c == 0x85 || c == 0x2028 || c == 0x2029)
                ? List.of(file + " has line ends that YAML readers understand differently")
                : List.of();
    }

    /** Files that a loader of the folder opens as a pickle, whatever they are called; judged so even if they look like text. */
    static Set<String> openedAsPickles(Map<?, ?> described, Folder folder) {
        var opened = new LinkedHashSet<String>();
        Map<?, ?> flavors = map(described.get("flavors"));
        Map<?, ?> python = map(flavors.get(PYTHON));
        String loader = String.valueOf(python.get("loader_module"));
        Map<?, ?> lightgbm = map(flavors.get("lightgbm"));
        boolean pickled = loader.equals("mlflow.sklearn")
                || (loader.equals("mlflow.lightgbm")
                        && !"lightgbm.basic.Booster".equals(lightgbm.get("model_class"))
                        && lightgbm.containsKey("model_class"));
        if (pickled) {
            add(opened, python.get("data"), folder);
            add(opened, python.get("model_path"), folder);
            add(opened, map(flavors.get("sklearn")).get("pickled_model"), folder);
            add(opened, lightgbm.get("data"), folder);
        }
        add(opened, python.get("python_model"), folder);
        return opened;
    }

    private static void add(Set<String> opened, @Nullable Object path, Folder folder) {
        if (path instanceof String name && folder.file(name).isPresent()) {
            opened.add(name);
        }
    }

    private static Map<?, ?> map(@Nullable Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private void files() {
        int code = 0;
        String first = "";
        for (String path : folder.files().keySet()) {
            String name = path.toLowerCase(Locale.ROOT);
            String last = name.substring(name.lastIndexOf('/') + 1);
            if (name.startsWith("code/") || CODE_FILE.matcher(last).matches()) {
                first = code++ == 0 ? path : first;
            } else if (last.equals("mlmodel") && !path.equals(DESCRIPTION)) {
                found.add("a second MLmodel, " + path + ", may say otherwise than the first");
            } else if (last.equals("pickle_module_info.txt")) {
                found.add(path + " names a module to import");
            }
        }
        if (code > 0) {
            found.add(code == 1 ? "the file " + first + " is code" : code + " files are code, such as " + first);
        }
    }

    private void flavors() {
        if (merges(described)) {
            found.add("MLmodel merges mappings ('<<'), which YAML readers understand differently");
        }
        Map<?, ?> flavors = map(described.get("flavors"));
        flavors.forEach((name, value) -> {
            Map<?, ?> settings = map(value);
            if (settings.get("code") != null) {
                found.add("the flavor " + name + " puts '" + settings.get("code") + "' on Python's path");
            }
            List<String> trusted = trustedByTheAuthor(settings.get("skops_trusted_types"));
            if (!trusted.isEmpty()) {
                found.add("the flavor " + name + " has skops load what its author trusts: " + shown(trusted));
            }
            inside(name + ".data", settings.get("data"));
            inside(name + ".pickled_model", settings.get("pickled_model"));
            inside(name + ".model_path", settings.get("model_path"));
            inside(name + ".model_binary", settings.get("model_binary"));
            if (settings.get("model_class") != null
                    && !MODEL_CLASSES.contains(String.valueOf(settings.get("model_class")))) {
                found.add("the flavor " + name + " imports the class '" + settings.get("model_class") + "'");
            }
        });
        if (flavors.containsKey(PYTHON)) {
            python(map(flavors.get(PYTHON)));
        }
    }

    /** MLflow names here what its libraries write; what is on the list of pickles is judged in the file itself. */
    private static List<String> trustedByTheAuthor(@Nullable Object types) {
        if (types == null) {
            return List.of();
        }
        if (!(types instanceof List<?> names)) {
            return List.of(String.valueOf(types));
        }
        return names.stream()
                .map(String::valueOf)
                .filter(name -> !SkopsScan.isListed(name))
                .toList();
    }

    private static boolean merges(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.containsKey("<<") || map.values().stream().anyMatch(FolderCode::merges);
        }
        return value instanceof List<?> list && list.stream().anyMatch(FolderCode::merges);
    }

    private void python(Map<?, ?> python) {
        Object loader = python.get("loader_module");
        if (!LOADERS.contains(String.valueOf(loader))) {
            found.add("python_function.loader_module '" + loader + "' is none of those that read data alone");
        }
        if (python.get("model_code_path") != null) {
            found.add("the model is a script (models from code): " + python.get("model_code_path"));
        }
        inside("python_function.python_model", python.get("python_model"));
        Object predicting = python.get("predict_fn");
        if (predicting != null && !PREDICTING.contains(String.valueOf(predicting))) {
            found.add("python_function.predict_fn '" + predicting + "' is no way to predict");
        }
        environment(python.get("env"));
    }

    /** Its environment is named by files of the folder, and those are judged by their own names only. */
    private void environment(@Nullable Object env) {
        if (env instanceof Map<?, ?> kinds) {
            kinds.forEach((kind, path) -> environmentFile("python_function.env." + kind, path));
        } else {
            environmentFile("python_function.env", env);
        }
    }

    private void environmentFile(String place, @Nullable Object path) {
        if (path != null && !Set.of("conda.yaml", "python_env.yaml").contains(String.valueOf(path))) {
            found.add(place + " names '" + path + "' in place of conda.yaml or python_env.yaml");
        }
    }

    private void inside(String place, @Nullable Object path) {
        if (path != null
                && (!(path instanceof String name)
                        || name.startsWith("/")
                        || name.indexOf('\\') >= 0
                        || Stream.of(name.split("/", -1))
                                .anyMatch(part -> Set.of("", ".", "..").contains(part)))) {
            found.add(place + " '" + path + "' is no path within the folder");
        }
    }

    private void requirements() {
        if (folder.file("requirements.txt").isPresent()) {
            text.apply("requirements.txt")
                    .ifPresentOrElse(
                            content -> lines("requirements.txt", Requirements.parse(content)),
                            () -> found.add("requirements.txt is too large to be read"));
        }
    }

    private void lines(String file, Requirements read) {
        read.refused().stream()
                .limit(10)
                .forEach(line -> found.add(file + " has a line that is no name with versions: " + line));
    }

    private void conda() {
        Map<?, ?> conda = yaml("conda.yaml");
        for (Object channel : list("conda.yaml", conda.get("channels"))) {
            if (!CHANNELS.contains(String.valueOf(channel))) {
                found.add("conda.yaml names a channel of its own: " + shown(channel));
            }
        }
        for (Object dependency : list("conda.yaml", conda.get("dependencies"))) {
            if (dependency instanceof Map<?, ?> nested) {
                nested.forEach((installer, asked) -> {
                    if (installer.equals("pip")) {
                        lines("conda.yaml", Requirements.parse(joined(list("conda.yaml", asked))));
                    } else {
                        found.add("conda.yaml asks for the installer " + shown(installer));
                    }
                });
            } else if (!CONDA_PACKAGE.matcher(String.valueOf(dependency)).matches()) {
                found.add("conda.yaml has a dependency that is no name with versions: " + shown(dependency));
            }
        }
    }

    private void pythonEnvironment() {
        Map<?, ?> environment = yaml("python_env.yaml");
        var asked = new ArrayList<Object>(list("python_env.yaml", environment.get("build_dependencies")));
        asked.addAll(list("python_env.yaml", environment.get("dependencies")));
        asked.removeIf(line -> line.equals("-r requirements.txt"));
        lines("python_env.yaml", Requirements.parse(joined(asked)));
    }

    private Map<?, ?> yaml(String path) {
        if (folder.file(path).isEmpty()) {
            return Map.of();
        }
        text.apply(path).ifPresent(content -> found.addAll(lineEnds(path, content)));
        try {
            return FolderInspector.parsed(text.apply(path).orElseThrow(() -> new YamlEngineException("too large")));
        } catch (YamlEngineException e) {
            found.add(path + " is not valid YAML");
            return Map.of();
        }
    }

    private List<?> list(String file, @Nullable Object value) {
        if (value == null) {
            return List.of();
        }
        if (value instanceof List<?> list) {
            return list;
        }
        found.add(file + " has " + shown(value) + " where a list belongs");
        return List.of();
    }

    private static String joined(List<?> lines) {
        return String.join("\n", lines.stream().map(String::valueOf).toList());
    }

    private static String shown(Object value) {
        String text = String.valueOf(value).replaceAll("://[^/@\\s]*@", "://***@");
        return "'" + (text.length() > 160 ? StorableText.cut(text, 160) + "..." : text) + "'";
    }
}
