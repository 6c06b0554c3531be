package dev.tidemill.testkit.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Comparison.Operator;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.search.SearchGrammar.Rule;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.search.SearchWords;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SearchParserTest {
    private static final SearchGrammar GRAMMAR = new SearchGrammar()
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.of(
                            "name", new Rule(false, SearchGrammar.TEXTUAL_OR_LIST),
                            "start_time", new Rule(true, SearchGrammar.NUMERIC)),
                    Map.of("created", "start_time"),
                    "attr")
            .freeKeys("metric", new Rule(true, SearchGrammar.NUMERIC), "metrics")
            .freeKeys("tag", new Rule(false, SearchGrammar.TEXTUAL), "tags");

    private static List<Comparison> parse(String text) {
        return SearchParser.filter(GRAMMAR, text);
    }

    private static Comparison text(String entity, String key, Operator operator, String value) {
        return new Comparison(entity, key, operator, new Comparison.Text(value));
    }

    @Test
    void clausesAreRead() {
        assertThat(parse("  ")).isEmpty();
        assertThat(parse("name='a'")).containsExactly(text("attribute", "name", Operator.EQUAL, "a"));
        assertThat(parse("attr.created >= -1.5e3"))
                .containsExactly(new Comparison(
                        "attribute", "start_time", Operator.GREATER_OR_EQUAL, new Comparison.Number(-1500)));
        assertThat(parse("metrics.`a b.c`<3 and tags.\"x y\" ilike \"%A%\""))
                .containsExactly(
                        new Comparison("metric", "a b.c", Operator.LESS, new Comparison.Number(3)),
                        text("tag", "x y", Operator.ILIKE, "%A%"));
        assertThat(parse("tags.mlflow.user != 'AND x = 1'"))
                .containsExactly(text("tag", "mlflow.user", Operator.NOT_EQUAL, "AND x = 1"));
        assertThat(parse("name not in ('a', \"b\",)"))
                .containsExactly(
                        new Comparison("attribute", "name", Operator.NOT_IN, new Comparison.Texts(List.of("a", "b"))));
        assertThat(parse("tags.a = 'it''s'")).containsExactly(text("tag", "a", Operator.EQUAL, "it''s"));
    }

    @Test
    void whatIsNoFilterIsRefusedWithTheReason() {
        Map.of(
                        "name = 1", "Expected a quoted string value",
                        "metrics.a = '1'", "Expected numeric value type for metric",
                        "created = '1'", "Expected numeric value type for numeric attribute: start_time",
                        "other.a = 'b'", "Invalid entity type 'other'",
                        "nope = 'b'", "Invalid attribute key 'nope'",
                        "name = 'a' OR name = 'b'", "Invalid clause(s) in filter string: 'OR'",
                        "name == 'a'", "Invalid comparator '=='",
                        "name", "Invalid clause(s) in filter string: 'name'",
                        "tags.a IN ('b')", "Expected a quoted string value for tag (e.g. 'my-value'). Got value ('b')",
                        "metrics.a = NaN", "Expected numeric value type")
                .forEach((filter, message) -> assertThatThrownBy(() -> parse(filter))
                        .as(filter)
                        .isInstanceOf(TidemillException.class)
                        .hasMessageContaining(message));
        for (String bad : List.of(
                "name = 'a",
                "name IN ()",
                "name IN ('a'",
                "= 'a'",
                "name = 'a' AND",
                "name = 'a'; x",
                "(name = 'a')")) {
            assertThatThrownBy(() -> parse(bad)).as(bad).isInstanceOf(TidemillException.class);
        }
    }

    private static SearchGrammar worded(SearchWords words) {
        return new SearchGrammar()
                .words(words)
                .fixedKeys(
                        SearchGrammar.ATTRIBUTE,
                        Map.of(
                                "name", new Rule(false, SearchGrammar.TEXTUAL),
                                "run_id", new Rule(false, SearchGrammar.TEXTUAL_OR_LIST),
                                "number", new Rule(true, SearchGrammar.NUMERIC)),
                        Map.of())
                .freeKeys("tag", new Rule(false, SearchGrammar.TEXTUAL), "tags");
    }

    /** The expected texts are those of MLflow's own server (3.17), which has a parser for each kind of search. */
    @Test
    void eachKindOfSearchRefusesInItsOwnWords() {
        record Case(SearchWords words, String filter, String text) {}
        var cases = List.of(
                new Case(SearchWords.RUNS, "name", "Invalid clause(s) in filter string: 'name'"),
                new Case(SearchWords.RUNS, "(name = 'a')", "Invalid clause(s) in filter string: '(name = 'a')'"),
                new Case(SearchWords.EXPERIMENTS, "a OR b", "Invalid clause(s) in filter string: a, OR, b"),
                new Case(
                        SearchWords.EXPERIMENTS,
                        "name IN ('a')",
                        "Only ['run_id'] attributes support comparison with a list of quoted string values."),
                new Case(
                        SearchWords.EXPERIMENTS,
                        "name IS NULL",
                        "IS NULL / IS NOT NULL is only supported for tags, not for attribute 'name'"),
                new Case(SearchWords.REGISTERED_MODELS, "name > 'a'", "Invalid comparator for attribute: >"),
                new Case(
                        SearchWords.REGISTERED_MODELS,
                        "name = 5",
                        "Expected a quoted string value or a list of quoted string values for attributes. Got value 5"),
                new Case(
                        SearchWords.MODEL_VERSIONS,
                        "name = 5",
                        "Only the '{'number'}' attributes support comparison with numeric values."),
                new Case(
                        SearchWords.MODEL_VERSIONS, "number LIKE '1'", "Invalid comparator for attribute number: LIKE"),
                new Case(
                        SearchWords.MODEL_VERSIONS,
                        "number = 'x'",
                        "Invalid value for numeric attribute 'number': 'x'"),
                new Case(
                        SearchWords.MODEL_VERSIONS,
                        "run_id IN ()",
                        "While parsing a list in the query, expected a non-empty list of string values, but got empty list"),
                new Case(
                        SearchWords.MODEL_VERSIONS,
                        "run_id IN ('x', 5)",
                        "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: ('x', 5)"),
                new Case(SearchWords.EVALUATION_DATA_SETS, "tags.team > 'a'", "Invalid comparator for tag: >"),
                new Case(
                        SearchWords.LOGGED_MODELS,
                        "other.k = 'x'",
                        "Invalid entity type: 'other'. Expected one of ['attributes', 'metrics', 'params', 'tags']."));
        for (Case one : cases) {
            assertThatThrownBy(() -> SearchParser.filter(worded(one.words()), one.filter()))
                    .as(one.toString())
                    .hasMessage(one.text());
        }
        assertThat(SearchParser.filter(worded(SearchWords.MODEL_VERSIONS), "number = '1'"))
                .containsExactly(new Comparison("attribute", "number", Operator.EQUAL, new Comparison.Number(1)));
    }

    @Test
    void whatMayBeSearchedByNeedNotOrder() {
        SearchGrammar grammar = worded(SearchWords.EVALUATION_DATA_SETS).orderAttributes("name");
        assertThat(SearchParser.order(grammar, List.of("name DESC")))
                .containsExactly(new Ordering("attribute", "name", false));
        assertThatThrownBy(() -> SearchParser.order(grammar, List.of("number")))
                .hasMessageContaining("Invalid attribute key 'number' specified");
        assertThatThrownBy(() -> SearchParser.order(grammar, List.of("tags.team")))
                .hasMessage("Invalid order_by entity: tag");
        assertThatThrownBy(() -> SearchParser.order(grammar, List.of("name,")))
                .hasMessage("Invalid order_by clause 'name,'. Could not be parsed.");
    }

    /** Whatever is typed, the answer is a list or a coded refusal. */
    @Test
    void noTextBreaksTheParser() {
        String alphabet = "nametgs.mric`\"'()=!<>,; ANDLIKEin0123456789-e%_\\\n\u00e4\ud83d\ude00";
        var random = new Random(42);
        for (int i = 0; i < 20_000; i++) {
            var text = new StringBuilder(random.nextBoolean() ? "name = 'a' AND " : "");
            int length = random.nextInt(40);
            for (int j = 0; j < length; j++) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            try {
                parse(text.toString());
            } catch (TidemillException expected) {
                assertThat(expected.code().httpStatus()).isEqualTo(400);
            }
        }
    }

    @Test
    void ordersAreRead() {
        assertThat(SearchParser.order(GRAMMAR, List.of("metrics.`a b` DESC", "name", "created asc")))
                .containsExactly(
                        new Ordering("metric", "a b", false),
                        new Ordering("attribute", "name", true),
                        new Ordering("attribute", "start_time", true));
        assertThatThrownBy(() -> SearchParser.order(GRAMMAR, List.of("name", "name DESC")))
                .hasMessageContaining("duplicate fields");
        assertThatThrownBy(() -> SearchParser.order(GRAMMAR, List.of("name sideways")))
                .isInstanceOf(TidemillException.class);
    }

    @Test
    void tokensOfPagesGoThereAndBack() {
        assertThat(Page.offset(Optional.of(Page.token(123)))).isEqualTo(123);
        assertThat(Page.offset(Optional.empty())).isZero();
        for (String bad : List.of("!", "e30=", "eyJvZmZzZXQiOiAtMX0=")) {
            assertThatThrownBy(() -> Page.offset(Optional.of(bad))).isInstanceOf(TidemillException.class);
        }
    }

    private static final SearchGrammar PATTERNS =
            new SearchGrammar().freeKeys("tag", new Rule(false, SearchGrammar.TEXTUAL_OR_PATTERN), "tags");

    @Test
    void anExpressionWhoseRepetitionsMultiplyIsRefusedBeforeItIsCompiled() {
        String[] refused = {
            "((a{1000}){1000}){1000}",
            "a{1000}{1000}{1000}",
            "(?:(?:a{2,1000}){2,1000}){2,}",
            "(((){1000}){1000}){1000}",
            "[^]{1](a{1000}){1000}",
            "[[:alpha:]](a{1000}){1000}",
            "[\\]](a{1000}){1000}",
            "\\Q(\\E(a{1000}){1000}",
            "\\x{10FFFF}(\\p{Greek}{1000}){1000}",
            "a{1001}",
            ".*".repeat(300) + "z",
            "(a+b){500}",
            "a".repeat(10_001),
            "(".repeat(5_000) + ")".repeat(5_000),
        };
        for (String pattern : refused) {
            assertThatThrownBy(() -> SearchParser.filter(PATTERNS, "tags.a RLIKE '" + pattern + "'"))
                    .as(pattern)
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("is not a regular expression that RLIKE takes");
        }
    }

    @Test
    void theExpressionsThatPeopleWriteAreTaken() {
        String[] taken = {
            "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
            "\\d{1,3}(\\.\\d{1,3}){3}",
            "a{1000}",
            "(ab|cd){0,500}",
            "\\Qa{1000}{1000}{1000}\\E",
            "[{1000}]{2}",
            "{1000}".substring(1),
            "\\x{1000}",
            "(\\w+\\s*,?){0,100}",
            ".*".repeat(100) + "z",
        };
        for (String pattern : taken) {
            assertThat(SearchParser.filter(PATTERNS, "tags.a RLIKE '" + pattern + "'"))
                    .as(pattern)
                    .containsExactly(text("tag", "a", Operator.RLIKE, pattern));
        }
    }

    /** Databases go back and forth in a text for each wildcard and each character of what stands between them. */
    @Test
    void patternsOfLikeAreBounded() {
        for (String operator : List.of("LIKE", "ILIKE")) {
            String longest = "%" + "a".repeat(999);
            String most = "%a".repeat(32);
            for (String taken : List.of(longest, most)) {
                assertThat(SearchParser.filter(PATTERNS, "tags.a " + operator + " '" + taken + "'"))
                        .hasSize(1);
            }
            assertThatThrownBy(() -> SearchParser.filter(PATTERNS, "tags.a " + operator + " '" + longest + "b'"))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("at most 1000 characters")
                    .hasMessageContaining("1001");
            assertThatThrownBy(() -> SearchParser.filter(PATTERNS, "tags.a " + operator + " '" + most + "_'"))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("at most 32 wildcards")
                    .hasMessageContaining("33");
        }
        assertThat(SearchParser.filter(PATTERNS, "tags.a = '" + "%".repeat(2_000) + "'"))
                .hasSize(1);
    }

    @Test
    void aPatternIsNotCompiledForAKeyThatTakesNone() {
        assertThatThrownBy(() -> parse("tags.a RLIKE '('")).hasMessageContaining("Invalid comparator 'RLIKE'");
    }

    @Test
    void moreClausesOrKeysThanADatabasePlansInTimeAreRefused() {
        String fifty = String.join(" AND ", java.util.Collections.nCopies(50, "tags.a = 'x'"));
        assertThat(parse(fifty)).hasSize(50);
        assertThatThrownBy(() -> parse(fifty + " AND tags.a = 'x'")).hasMessageContaining("at most 50 clauses");
        List<String> keys = java.util.stream.IntStream.range(0, 21)
                .mapToObj(i -> "metrics.m" + i)
                .toList();
        assertThat(SearchParser.order(GRAMMAR, keys.subList(0, 20))).hasSize(20);
        assertThatThrownBy(() -> SearchParser.order(GRAMMAR, keys)).hasMessageContaining("at most 20 keys");
    }
}
