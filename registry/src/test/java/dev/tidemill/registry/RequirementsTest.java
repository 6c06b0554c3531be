package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.registry.domain.Requirements;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A line is a name with versions, or refused; judging it costs its length. */
class RequirementsTest {
    @Test
    void namesWithVersionsMarkersAndHashesAreRead() {
        List<String> plain = List.of(
                "scikit-learn",
                "numpy==2.1.3",
                "pandas >= 1.5 , < 3,",
                "mlflow[extras, gateway] (>=2, !=2.1)",
                "torch==2.4.0+cu121 ; python_version >= '3.9' and sys_platform == \"linux\"",
                "a==1 --hash=sha256:0aF9 --hash=sha512:ab",
                "a;x=='1'  --hash=sha384:00");
        assertThat(plain).allMatch(Requirements::isPlain);
        assertThat(Requirements.parse(String.join("\n", plain)).lines()).isEqualTo(plain);
        assertThat(List.of(
                        "a @ https://host/x.whl",
                        "-r other.txt",
                        "./folder",
                        "a==1 --hash=md5:00",
                        "a --hash=sha256:zz",
                        "--hash=sha256:00",
                        "a; x --index-url",
                        "a.zip",
                        "a==1==2",
                        "a[b",
                        "a==1, ,==2"))
                .noneMatch(Requirements::isPlain);
    }

    @Test
    void commentsAreLeftOut() {
        assertThat(Requirements.parse("a # b # c\n# all\nb#c\n  \nd==1\\\n  ,==1\n")
                        .lines())
                .containsExactly("a", "d==1   ,==1");
    }

    @Test
    @Timeout(60)
    void longLinesTakeNeitherTheStackNorTime() {
        assertThat(Requirements.isPlain("a==1" + ",==1".repeat(2_400))).isTrue();
        assertThat(Requirements.isPlain("a(==1" + ",==1".repeat(2_400) + ")")).isTrue();
        assertThat(Requirements.isPlain("a[b" + ",b".repeat(4_900) + "]")).isTrue();
        assertThat(Requirements.isPlain("a" + " --hash=sha256:0".repeat(600))).isTrue();
        assertThat(Requirements.isPlain("a==1" + ",==1".repeat(2_500))).isFalse();
        String blanks = " ".repeat(9_980);
        for (String line : List.of(
                "a;" + blanks + "$",
                "a==1" + blanks + "$",
                "a" + blanks + "$",
                "a[b" + blanks + "$",
                "a(==1" + blanks + "$",
                "a;" + " -".repeat(4_900) + "$",
                "a;" + " --hash=sha256:0".repeat(600) + "$",
                "a" + "==1".repeat(3_000) + "$",
                "a" + ".".repeat(9_980),
                "a[b" + ",b".repeat(4_900) + "$")) {
            assertThat(Requirements.parse((line + "\n").repeat(100)).lines())
                    .as(line.substring(0, 8))
                    .isEmpty();
        }
        assertThat(Requirements.parse(" #".repeat(500_000) + "\u2028x").lines()).isEmpty();
        assertThat(Requirements.parse("#x".repeat(500_000) + "\u2028 #").refused())
                .isEmpty();
    }

    /** The same lines as the pattern that says what a line is, on texts short enough for it. */
    @Test
    void readsWhatThePatternReads() {
        String name = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
        String one = "(?:===|==|~=|!=|<=|>=|<|>)\\s*[A-Za-z0-9.*+!_-]+";
        String versions = one + "(?:\\s*,\\s*" + one + ")*\\s*,?";
        Pattern line = Pattern.compile(name + "(?:\\s*\\[\\s*(?:" + name + "(?:\\s*,\\s*" + name + ")*)?\\s*])?"
                + "(?:\\s*(?:" + versions + "|\\(\\s*" + versions + "\\s*\\)))?"
                + "(?<marker>\\s*;[A-Za-z0-9_.\\s'\"<>=!~(),+*-]+?)?"
                + "(?:\\s+--hash=sha(?:256|384|512):[0-9a-fA-F]+)*\\s*");
        String[] parts = {
            "a",
            "b-c",
            "[",
            "]",
            "x",
            ",",
            "==",
            "1.0",
            ">=",
            "(",
            ")",
            ";",
            "y",
            "'",
            " ",
            "  ",
            " --hash=sha256:0a",
            "-",
            "="
        };
        var chance = new Random(3);
        int plain = 0;
        for (int round = 0; round < 200_000; round++) {
            var text = new StringBuilder("a");
            for (int i = chance.nextInt(9); i > 0; i--) {
                text.append(parts[chance.nextInt(parts.length)]);
            }
            var matcher = line.matcher(text);
            boolean expected = matcher.matches()
                    && (matcher.group("marker") == null
                            || !matcher.group("marker").strip().equals(";")
                                    && List.of(matcher.group("marker").split("\\s+")).stream()
                                            .noneMatch(word -> word.startsWith("-")));
            assertThat(Requirements.isPlain(text.toString()))
                    .as(text.toString())
                    .isEqualTo(expected);
            plain += expected ? 1 : 0;
        }
        assertThat(plain).isGreaterThan(1_000);
    }
}
