package dev.tidemill.trees;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** The categories that XGBoost keeps in a model since version 3.1, where its data was a frame that had them. */
final class XgboostCategories {
    private XgboostCategories() {}

    /** Of each feature its categories, in the order of their codes; empty where the model keeps none at all. */
    static List<Categories> of(JsonNode cats, int features) {
        List<Categories> categories = new ArrayList<>();
        JsonNode encodings = cats.path("enc");
        if (encodings.isEmpty()) {
            return List.of();
        }
        for (int i = 0; i < features; i++) {
            JsonNode encoding = encodings.path(i);
            categories.add(
                    encoding.has("offsets")
                            ? Categories.texts(texts(encoding))
                            : Categories.of(encoding.path("values")));
        }
        return categories;
    }

    /** Texts lie end to end as bytes, with the offsets where each begins. */
    private static List<String> texts(JsonNode encoding) {
        JsonNode offsets = encoding.path("offsets");
        JsonNode values = encoding.path("values");
        List<String> texts = new ArrayList<>();
        for (int i = 0; i + 1 < offsets.size(); i++) {
            int from = offsets.get(i).asInt();
            int to = offsets.get(i + 1).asInt();
            if (from < 0 || to < from || to > values.size()) {
                throw new UnsupportedModelException("its list of categories is damaged");
            }
            byte[] text = new byte[to - from];
            for (int j = from; j < to; j++) {
                text[j - from] = (byte) values.get(j).asInt();
            }
            texts.add(new String(text, java.nio.charset.StandardCharsets.UTF_8));
        }
        return texts;
    }
}
