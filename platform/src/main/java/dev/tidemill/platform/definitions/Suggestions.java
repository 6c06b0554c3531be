package dev.tidemill.platform.definitions;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds what somebody probably meant. */
public final class Suggestions {
    /** Nobody means a word beyond by a slip, and comparing takes the square of it. */
    private static final int LONGEST = 200;

    private Suggestions() {}

    /**
     * The candidate within an edit distance of a third of the word's length, at least one, without regard to case; the
     * nearest of them. Two neighbours in each other's place are one edit. Of a single letter no other is near, and of a word beyond {@value #LONGEST} letters none.
     */
    public static Optional<String> nearest(String word, Collection<String> candidates) {
        int best = (word.length() == 1 ? 0 : Math.max(1, word.length() / 3)) + 1;
        String nearest = null;
        for (String candidate : candidates) {
            if (Math.abs(word.length() - candidate.length()) >= best || word.length() > LONGEST) {
                continue;
            }
            int distance = distance(word.toLowerCase(Locale.ROOT), candidate.toLowerCase(Locale.ROOT));
            if (distance < best) {
                best = distance;
                nearest = candidate;
            }
        }
        return Optional.ofNullable(nearest);
    }

    /**
     * Insertions, deletions, changes and exchanges of two neighbours, none of which is edited again (Damerau 1964, in the form known as
     * optimal string alignment).
     */
    private static int distance(String a, String b) {
        int[] beforePrevious = new int[b.length() + 1];
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                current[j] = Math.min(Math.min(current[j - 1], previous[j]) + 1, previous[j - 1] + change);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    current[j] = Math.min(current[j], beforePrevious[j - 2] + 1);
                }
            }
            beforePrevious = previous;
            previous = current;
        }
        return previous[b.length()];
    }
}
