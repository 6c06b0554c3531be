package dev.tidemill.tracking.domain;

import java.util.random.RandomGenerator;

/** Invents names for runs that come without one. */
final class RunNames {
    private static final String[] QUALITIES = {
        "able", "amber", "brisk", "calm", "clear", "deft", "eager", "fair", "fresh", "gentle", "grand", "hardy", "keen",
        "kind", "lively", "lucid", "merry", "mild", "neat", "noble", "patient", "plain", "proud", "quick", "quiet",
        "rapid", "robust", "serene", "sharp", "silver", "smooth", "steady", "stout", "subtle", "sunny", "swift",
        "tidal", "vivid", "warm", "wise"
    };
    private static final String[] CREATURES = {
        "auk",
        "bass",
        "bream",
        "cod",
        "crab",
        "crane",
        "curlew",
        "dunlin",
        "eel",
        "egret",
        "eider",
        "fulmar",
        "gannet",
        "gull",
        "heron",
        "kelp",
        "knot",
        "limpet",
        "ling",
        "loon",
        "mullet",
        "mussel",
        "otter",
        "oyster",
        "petrel",
        "pike",
        "plover",
        "puffin",
        "ray",
        "sandpiper",
        "seal",
        "shrimp",
        "skua",
        "snipe",
        "sole",
        "stork",
        "tern",
        "trout",
        "whelk",
        "wrasse"
    };

    private RunNames() {}

    /** A quality, a creature of the coast and a number. */
    static String next() {
        RandomGenerator random = RandomGenerator.getDefault();
        return QUALITIES[random.nextInt(QUALITIES.length)]
                + "-" + CREATURES[random.nextInt(CREATURES.length)]
                + "-" + random.nextInt(1000);
    }
}
