package dev.tidemill.inference.runtime;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.trees.BoostedTrees;
import dev.tidemill.trees.LightgbmJson;
import dev.tidemill.trees.LightgbmText;
import dev.tidemill.trees.UnsupportedModelException;
import dev.tidemill.trees.XgboostModel;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Models that XGBoost or LightGBM saved themselves, of MLflow's flavors or as a lone file, scored in plain Java. What uses
 * something that our scorer does not know is left to the next runtime.
 */
public final class BoostedTreesRuntime implements ModelRuntime {
    private static final Logger LOG = LoggerFactory.getLogger(BoostedTreesRuntime.class);
    private static final String XGBOOST = "xgboost";
    private static final String LIGHTGBM = "lightgbm";

    @Override
    public Optional<LoadedModel> open(ModelFolder folder) {
        Optional<String> xgboost = file(folder, XGBOOST, List.of(".ubj", ".json", ".xgb"));
        Optional<String> lightgbm = file(folder, LIGHTGBM, List.of(".lgb", ".txt"));
        try {
            if (xgboost.isPresent()) {
                byte[] content = folder.read(xgboost.get());
                if (LightgbmJson.looksLike(content)) {
                    return Optional.of(model(folder, LightgbmJson.parse(content), LIGHTGBM, content.length));
                }
                if (XgboostModel.looksLike(content)) {
                    return Optional.of(model(folder, xgboost(folder, content), XGBOOST, content.length));
                }
            }
            if (lightgbm.isPresent()) {
                byte[] content = folder.read(lightgbm.get());
                if (LightgbmText.looksLike(content)) {
                    return Optional.of(model(folder, LightgbmText.parse(content), LIGHTGBM, content.length));
                }
            }
            return Optional.empty();
        } catch (UnsupportedModelException e) {
            if (folder.description().flavors().containsKey("python_function")) {
                LOG.info("{} is left to Python: {}", folder.version().reference(), e.getMessage());
                return Optional.empty();
            }
            throw folder.unusable(String.valueOf(e.getMessage())).causedBy(e);
        }
    }

    /**
     * MLflow loads a model of the class that its folder names. One of the scikit-learn interface predicts with the rounds up to the best
     * one; the library's own, which a folder without a class and a lone file are, with all of them.
     */
    private static BoostedTrees xgboost(ModelFolder folder, byte[] content) {
        boolean booster = folder.description()
                .setting(XGBOOST, "model_class")
                .map(name -> name.endsWith(".Booster"))
                .orElse(true);
        return XgboostModel.parse(content, booster ? XgboostModel.Rounds.ALL : XgboostModel.Rounds.UNTIL_BEST);
    }

    private static LoadedModel model(ModelFolder folder, BoostedTrees trees, String flavor, int length) {
        Datatype numbers = flavor.equals(XGBOOST) ? Datatype.FP32 : Datatype.FP64;
        boolean classifier = folder.description()
                .setting(flavor, "model_class")
                .map(name -> name.endsWith("Classifier"))
                .orElse(false);
        return new BoostedTreesModel(
                trees, folder.description().signature(), "tidemill_" + flavor, numbers, classifier, length);
    }

    /** The file that the flavor names, or without any flavor the lone file of such an ending. */
    private static Optional<String> file(ModelFolder folder, String flavor, List<String> endings) {
        Optional<String> named = folder.description().setting(flavor, "data");
        if (named.isPresent() || !folder.description().flavors().isEmpty()) {
            return named.filter(folder::has);
        }
        List<String> fitting = folder.folder().files().keySet().stream()
                .filter(path -> endings.stream().anyMatch(path::endsWith))
                .filter(path -> !path.contains("/") && !path.equals("requirements.txt"))
                .toList();
        return fitting.size() == 1 ? Optional.of(fitting.getFirst()) : Optional.empty();
    }
}
