package dev.tidemill.inference.domain;

/**
 * The turn that a load of a model has among others. Whoever is about to wait, below the load, for what somebody else makes gives it
 * back meanwhile, so that others load. Without effect where a load has no turn.
 */
public abstract class LoadTurn {
    private static final ScopedValue<LoadTurn> CURRENT = ScopedValue.newInstance();

    /** Lets others load; without effect if that has been done. */
    protected abstract void giveBack();

    /** As {@link #resume}; without effect if it still is this one's turn, or that was taken away for taking long. */
    protected abstract void takeAgain();

    /** Loads in this turn. */
    public final void run(Runnable load) {
        ScopedValue.where(CURRENT, this).run(load);
    }

    /** A load in the turn of the thread that asks for it, whichever thread does it. */
    static Runnable carried(Runnable load) {
        if (!CURRENT.isBound()) {
            return load;
        }
        LoadTurn turn = CURRENT.get();
        return () -> turn.run(load);
    }

    /** Gives the turn of this thread's load back; called before a wait. */
    public static void leave() {
        if (CURRENT.isBound()) {
            CURRENT.get().giveBack();
        }
    }

    /** Waits for the turn of this thread's load again, before what is heavy in it; whoever is interrupted goes on without. */
    public static void resume() {
        if (CURRENT.isBound()) {
            CURRENT.get().takeAgain();
        }
    }
}
