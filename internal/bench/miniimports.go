package main

import (
	"context"
	"fmt"
	"os"

	"github.com/livetables/livetables"
)

// importsOfFiles compares the import of a CSV file with COPY, or with one prepared INSERT in one transaction of SQLite, and both with the
// same by hand that writes a log too.
func (m *miniInside) importsOfFiles(ctx context.Context) error {
	var peaks [2]int
	load := func(context.Context) (err error) {
		peaks[0], err = peakMiB(os.Getpid(), func() error { return m.plain.load(ctx, m.csv) })
		return err
	}
	ours := func(context.Context) (err error) {
		peaks[1], err = peakMiB(os.Getpid(), func() error { return m.importFile(ctx) })
		return err
	}
	sides := []side{once("by hand", m.rows, m.place.server, nil, nothing, load),
		once("engine", m.rows, m.place.server, nil, m.emptyTable, ours)}
	if m.rows <= mostAnswered {
		logged, err := m.loggedTable(ctx)
		if err != nil {
			return fmt.Errorf("a log by hand: %w", err)
		}
		defer func() { _ = logged.close() }()
		sides = append(sides, once("by hand, with a log", m.rows, m.place.server, nil, logged.empty, func(ctx context.Context) error { return logged.load(ctx, m.csv) }))
	}
	s, err := compareCold(ctx, m.times(mostImported), 0, sides...)
	if err != nil {
		return err
	}
	m.addTime("import of a CSV file", "", s[0], s[1], byHandImport)
	if len(s) > 2 {
		m.addTime("import of a CSV file, a log by hand against none", "", s[0], s[2], "COPY or prepared INSERT of the rows and of an entry for each, with the bytes and indexes of ours")
		m.addTime("import of a CSV file, ours against a log by hand", "T6: <= 1.5", s[2], s[1], "")
	}
	m.addMemory("import of a CSV file", peaks[0], peaks[1])
	if m.t, err = m.w.owner.Table(ctx, m.t.ID); err != nil {
		return err
	}
	return m.place.settle(ctx)
}

func (m *miniInside) importFile(ctx context.Context) error {
	f, err := os.Open(m.csv)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = m.w.owner.Import(ctx, livetables.ImportSpec{Table: m.t.ID}, f)
	return err
}

// loggedTable is a plain table with the log by hand that an import of the file leaves, made by one that is not counted.
func (m *miniInside) loggedTable(ctx context.Context) (loggedTable, error) {
	if err := m.emptyTable(ctx); err != nil {
		return nil, err
	}
	if err := m.importFile(ctx); err != nil {
		return nil, err
	}
	logged, err := m.place.logged(ctx)
	if err != nil {
		return nil, err
	}
	n, err := logged.take(ctx, m.t.ID)
	if err == nil && n != m.rows {
		err = fmt.Errorf("%d entries of %d rows", n, m.rows)
	}
	if err != nil {
		_ = logged.close()
		return nil, err
	}
	return logged, nil
}
