-- Which of many steps made a version is asked before runs are removed.
CREATE INDEX version_by_maker ON version (made_by);
