-- When the deployment that a decision was about was deleted: one of the same name that is made anew does not take it for its own.
ALTER TABLE deployment_decision ADD COLUMN gone_at BIGINT;
UPDATE deployment_decision SET gone_at = recorded_at
WHERE NOT EXISTS (SELECT 1 FROM deployment
                  WHERE deployment.project = deployment_decision.project AND deployment.name = deployment_decision.deployment);
