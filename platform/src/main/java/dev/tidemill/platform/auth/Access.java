package dev.tidemill.platform.auth;

/** Who may call a route. Every route declares it; the server refuses to start with one that does not. */
public sealed interface Access {
    /** Anybody, without credentials: health, the packaged UI, signing in. */
    record Open() implements Access {}

    /** Anybody who is authenticated; the route itself shows only what the caller may see. */
    record SignedIn() implements Access {}

    /** Administrators of the whole server. */
    record Server(Resource resource, Action action) implements Access {}

    /** Administrators of the whole server, and tokens made for this very purpose. */
    record Purpose(Scope scope) implements Access {}

    /** Members of the request's project whose role permits the action. */
    record Project(Resource resource, Action action) implements Access {}

    static Access open() {
        return new Open();
    }

    static Access signedIn() {
        return new SignedIn();
    }

    static Access server(Resource resource, Action action) {
        return new Server(resource, action);
    }

    static Access purpose(Scope scope) {
        return new Purpose(scope);
    }

    static Access project(Resource resource, Action action) {
        return new Project(resource, action);
    }
}
