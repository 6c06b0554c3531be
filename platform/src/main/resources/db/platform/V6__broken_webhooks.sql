-- Why a webhook cannot be used, such as that its secret cannot be read; NULL for one that can.
ALTER TABLE webhook ADD COLUMN broken TEXT;
