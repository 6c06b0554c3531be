-- Logged models that were deleted, the longest first, and what runs say of a model: both are asked when it goes for good.
CREATE INDEX logged_model_deleted ON logged_model (updated_at) WHERE deleted;
CREATE INDEX run_model_model ON run_model (model_id);
