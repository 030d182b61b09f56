-- Entries that another store hands over keep the id that they have there, and are taken once. Those of the mini-DB itself
-- have ids that are never looked up, and cost this index nothing.
CREATE UNIQUE INDEX lt_change_handed ON lt_change (id) WHERE id >= 'evt_' AND id < 'evt`';
