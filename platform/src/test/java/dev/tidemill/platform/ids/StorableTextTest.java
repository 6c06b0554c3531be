package dev.tidemill.platform.ids;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StorableTextTest {
    @Test
    void aTextIsCutBesideACharacterNotWithinOne() {
        assertThat(StorableText.cut("abc", 3)).isEqualTo("abc");
        assertThat(StorableText.cut("abc", 2)).isEqualTo("ab");
        assertThat(StorableText.cut("a\uD83D\uDE00b", 2)).isEqualTo("a");
        assertThat(StorableText.cut("a\uD83D\uDE00b", 3)).isEqualTo("a\uD83D\uDE00");
        assertThat(StorableText.cut("\uD83D\uDE00", 0)).isEmpty();
    }

    @Test
    void theFirstHalfOfACharacterIsFound() {
        assertThat(StorableText.halfCharacter("a\uD83D\uDE00\uD83D")).isEqualTo(3);
        assertThat(StorableText.halfCharacter("a\uDE00")).isEqualTo(1);
        assertThat(StorableText.halfCharacter("a\0")).isNegative();
        assertThat(StorableText.is("a\0")).isFalse();
    }

    @Test
    void theEndOfATextBeginsWithNoHalfOfACharacter() {
        assertThat(StorableText.tail("abc", 3)).isEqualTo("abc");
        assertThat(StorableText.tail("abc", 2)).isEqualTo("bc");
        assertThat(StorableText.tail("a\uD83D\uDE00b", 2)).isEqualTo("b");
        assertThat(StorableText.tail("a\uD83D\uDE00b", 3)).isEqualTo("\uD83D\uDE00b");
        assertThat(StorableText.tail("\uD83D\uDE00", 0)).isEmpty();
    }

    @Test
    void whatIsOnlyShownIsStorable() {
        assertThat(StorableText.shown("a\uD83D\uDE00b")).isEqualTo("a\uD83D\uDE00b");
        assertThat(StorableText.shown("\0a\uDE00\uD83Db\uD83D\uDE00\uD83D\0"))
                .isEqualTo("\uFFFDa\uFFFD\uFFFDb\uD83D\uDE00\uFFFD\uFFFD");
    }
}
