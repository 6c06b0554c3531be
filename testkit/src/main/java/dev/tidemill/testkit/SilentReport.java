package dev.tidemill.testkit;

import dev.tidemill.platform.children.ChildTask;

/** A report of a task that nobody reads; a test that reads a part of it overrides that. */
public class SilentReport implements ChildTask.Report {
    @Override
    public void log(String line) {}

    @Override
    public void metric(String key, long step, double value) {}

    @Override
    public void progress(long done, long total) {}
}
