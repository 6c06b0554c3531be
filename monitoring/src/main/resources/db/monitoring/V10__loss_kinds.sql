-- Whether a loss is that of a class or a distance; not known of those that were measured before.
ALTER TABLE prediction ADD COLUMN champion_loss_kind TEXT;
ALTER TABLE prediction ADD COLUMN challenger_loss_kind TEXT;
-- The kinds of the losses that a slice sums, as a JSON list.
ALTER TABLE monitor_slice ADD COLUMN loss_kinds TEXT NOT NULL DEFAULT '[]';
-- When a watermark was declared was not kept: nobody has been silent before this.
UPDATE monitor_state SET reached_at = ${now_millis} WHERE declared;
