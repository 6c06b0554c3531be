package dev.tidemill.inference.controlplane;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.inference.api.PlaneJson;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.ServedVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The control plane's registry as a catalog. */
public final class ControlPlaneCatalog implements ModelCatalog {
    private final ControlPlane control;

    public ControlPlaneCatalog(ControlPlane control) {
        this.control = control;
    }

    @Override
    public Optional<ServedVersion> find(String project, String name, Optional<String> version) {
        return versions(control.models(project, Optional.of(name), version)).stream()
                .findFirst();
    }

    @Override
    public List<ServedVersion> list(String project) {
        return versions(control.models(project, Optional.empty(), Optional.empty()));
    }

    private static List<ServedVersion> versions(JsonNode json) {
        List<ServedVersion> versions = new ArrayList<>();
        json.path("versions").forEach(version -> versions.add(PlaneJson.served(version)));
        return versions;
    }
}
