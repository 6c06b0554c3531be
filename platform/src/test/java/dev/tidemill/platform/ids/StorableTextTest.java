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
}
