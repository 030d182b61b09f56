-- What a job needs to go on in another process. holder is the run that does it now: only its writes count. stored is how many
-- rows of its file are committed, table_id the table that it has made; both are written with the rows. plan is empty for a job
-- that does not go on; tries counts how often it was taken up since it last came further.
ALTER TABLE lt_job ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE lt_job ADD COLUMN plan TEXT NOT NULL DEFAULT '';
ALTER TABLE lt_job ADD COLUMN file_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lt_job ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lt_job ADD COLUMN table_id TEXT NOT NULL DEFAULT '';
ALTER TABLE lt_job ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lt_job ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
CREATE INDEX lt_job_state ON lt_job (state);
