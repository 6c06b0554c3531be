CREATE INDEX deployment_decision_by_position ON deployment_decision (project, deployment, position);
