-- Why a challenger failed on a row that the champion answered.
ALTER TABLE prediction ADD COLUMN challenger_error TEXT;
