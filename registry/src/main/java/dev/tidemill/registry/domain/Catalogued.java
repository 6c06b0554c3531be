package dev.tidemill.registry.domain;

import java.util.Optional;

/** A model with its newest version, as a catalog shows it. */
public record Catalogued(RegisteredModel model, Optional<ModelVersion> newest) {}
