package dev.tidemill.deployments.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Keeps deployments, policies and decisions. All methods join the caller's transaction. */
public interface DeploymentStore {
    /** Keeps a definition; false, and nothing changes, if it names another model than the one of a champion or challenger. */
    boolean define(String project, String name, Deployment.Definition definition);

    Optional<Deployment> find(String project, String name);

    List<Deployment> list(String project);

    List<Deployment> listAll();

    /** Replaces the state if its revision is still {@code state.revision() - 1}; false otherwise. */
    boolean save(Deployment state);

    /** Removes a deployment. Its decisions stay, but are none of a deployment of the same name that is made afterwards. */
    void delete(String project, String name, Instant at);

    /** Moves the event time forward; never back. */
    void moveEventTime(String project, String name, Instant time);

    void savePolicy(String project, String name, int version, Policy policy);

    Optional<Policy> findPolicy(String project, String name);

    /** Adds a decision; false if {@code madeBy} has made one for this deployment already. */
    boolean addDecision(String project, String deployment, Decision decision, Optional<String> madeBy);

    /** What a maker has decided about the deployment that there is. */
    Optional<Decision> findDecision(String project, String deployment, String madeBy);

    /** The newest decisions of some kinds about the deployment that there is, before a position, oldest first. */
    List<Decision> newestDecisions(
            String project, String deployment, long before, int limit, List<Decision.Action> actions);
}
