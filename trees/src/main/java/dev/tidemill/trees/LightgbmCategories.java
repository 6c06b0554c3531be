package dev.tidemill.trees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** The categories that pandas had in the columns of the frame that LightGBM was trained on, which a model keeps without their names. */
final class LightgbmCategories {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /**
     * An input that is categorical.
     *
     * @param highest code that was seen in training
     */
    record Column(int index, int highest) {}

    private LightgbmCategories() {}

    /**
     * The categories of each input of a model that is text.
     *
     * @param json lists of pandas
     * @param told inputs that are categorical as the parameters of training say it; empty where they do not
     * @param infos of all inputs: ranges of numbers, and of a categorical one its codes, or {@code none} for one that never changed
     */
    static List<Categories> of(String json, String told, String infos, int features) {
        String[] info = infos.split(" ");
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < Math.min(info.length, features); i++) {
            if (!info[i].startsWith("[") && !info[i].equals("none")) {
                columns.add(new Column(i, highest(info[i])));
            }
        }
        JsonNode lists;
        try {
            lists = json.isBlank() ? MAPPER.nullNode() : MAPPER.readTree(json);
        } catch (IOException e) {
            throw new UnsupportedModelException("the model's list of categories is not JSON", e);
        }
        List<Integer> parameter = numbers(told, ",");
        if (lists.size() == parameter.size()) {
            columns = parameter.stream()
                    .filter(column -> column < Math.min(info.length, features))
                    .sorted()
                    .map(column -> new Column(column, highest(info[column])))
                    .toList();
        }
        return of(lists, columns, features);
    }

    /** The highest of codes such as {@code -1:2:0:1}; -1 where there are none. */
    private static int highest(String info) {
        return numbers(info, ":").stream().mapToInt(Integer::intValue).max().orElse(-1);
    }

    /** The whole numbers of a list, without what is none and what is below 0. */
    private static List<Integer> numbers(String list, String between) {
        return Arrays.stream(list.split(between))
                .filter(number -> number.matches("\\d{1,9}"))
                .map(Integer::valueOf)
                .toList();
    }

    /**
     * The categories of each input; empty where pandas had none.
     *
     * @param lists of pandas, one for each column that it calls categorical, in order
     * @param columns that the model calls categorical, in order
     * @throws UnsupportedModelException where the two are not the same, as with ordered categories, which the model takes for numbers
     */
    static List<Categories> of(JsonNode lists, List<Column> columns, int features) {
        if (lists.isEmpty()) {
            return List.of();
        }
        if (lists.size() != columns.size()) {
            throw new UnsupportedModelException("it keeps the categories of " + lists.size() + " columns, and "
                    + columns.size() + " of its inputs are categorical: which column has which is not known");
        }
        List<Categories> categories = new ArrayList<>(Collections.nCopies(features, Categories.NONE));
        for (int i = 0; i < lists.size(); i++) {
            Column column = columns.get(i);
            if (column.highest() >= lists.get(i).size()) {
                throw new UnsupportedModelException("it keeps " + lists.get(i).size() + " categories of its input "
                        + column.index() + ", and was trained with category " + column.highest());
            }
            categories.set(column.index(), Categories.of(lists.get(i)));
        }
        return categories;
    }
}
