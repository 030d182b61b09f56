-- The number that the next row gets in an autonumber column.
ALTER TABLE lt_column ADD COLUMN next_number INTEGER NOT NULL DEFAULT 1;

-- What the rows of a table must satisfy together: columns that are unique together, and formulas.
ALTER TABLE lt_table ADD COLUMN rules TEXT NOT NULL DEFAULT '{}';
