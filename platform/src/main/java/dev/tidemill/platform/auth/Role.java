package dev.tidemill.platform.auth;

/** What a member may do in a project. */
public enum Role {
    VIEWER(Action.READ),
    CONTRIBUTOR(Action.WRITE),
    MAINTAINER(Action.OPERATE),
    ADMIN(Action.ADMINISTER);

    private final Action highest;

    Role(Action highest) {
        this.highest = highest;
    }

    public boolean permits(Action action) {
        return action.compareTo(highest) <= 0;
    }

    /** The weaker of the two. */
    public Role atMost(Role cap) {
        return compareTo(cap) <= 0 ? this : cap;
    }
}
