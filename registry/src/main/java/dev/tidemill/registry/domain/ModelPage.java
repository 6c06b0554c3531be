package dev.tidemill.registry.domain;

import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchGrammar;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a page of models begins. Its token tells both, since nobody but the search knows by what it is ordered.
 *
 * @param offset how many models are skipped, where their names do not order them
 * @param after the last name of the page before
 */
public record ModelPage(long offset, Optional<String> after) {
    /** The first page. */
    public static final ModelPage FIRST = new ModelPage(0, Optional.empty());

    private static final Pattern FORM = Pattern.compile("(?s)\\{\"offset\": (\\d{1,9}), \"name\": \"(.+)\"}");

    static ModelPage parse(Optional<String> token) {
        Optional<Matcher> matcher =
                token.flatMap(ModelPage::decoded).map(FORM::matcher).filter(Matcher::matches);
        return matcher.map(found -> new ModelPage(Long.parseLong(found.group(1)), Optional.of(found.group(2))))
                .orElseGet(() -> new ModelPage(Page.offset(token), Optional.empty()));
    }

    private static Optional<String> decoded(String token) {
        try {
            return Optional.of(new String(Base64.getDecoder().decode(token), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The token of the page behind so many models more, of which the last has this name. */
    String next(int found, String last) {
        String text = "{\"offset\": " + (offset + found) + ", \"name\": \"" + last + "\"}";
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Whether names alone order models, so that a page can begin behind one. */
    public static boolean byName(List<Ordering> order) {
        return order.isEmpty()
                || order.getFirst().entity().equals(SearchGrammar.ATTRIBUTE)
                        && order.getFirst().key().equals("name");
    }
}
