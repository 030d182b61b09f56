package livetables

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/livetables/livetables/internal/tabular"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// ImportPreview is what an import of a file would find.
type ImportPreview struct {
	Rows    int64           `json:"rows"`
	Columns []PreviewColumn `json:"columns"`
	// Sample are the cells of the first rows as texts, in the order of Columns.
	Sample [][]string `json:"sample"`
	// Separator and Encoding are those of a CSV file, as they were found out.
	Separator string   `json:"separator,omitempty"`
	Encoding  Encoding `json:"encoding,omitempty"`
	// Faults are what would keep the file out, the first of them; More says that there are others.
	Faults []ImportFault `json:"faults"`
	More   bool          `json:"more"`
}

// PreviewColumn is one column of a file.
type PreviewColumn struct {
	Title   string                `json:"title"`
	Type    minidb.ColumnType     `json:"type"`              // that fits its cells, for a new table
	Options *minidb.ColumnOptions `json:"options,omitempty"` // with that type
	Empty   int                   `json:"empty"`             // cells without a value
	Column  string                `json:"column_id,omitempty"`
	Name    string                `json:"column_name,omitempty"` // of the table, which it would fill
	Failing int                   `json:"failing"`               // cells that are no values of that column
}

// sampleRows is how many rows a preview shows.
const sampleRows = 20

// PreviewImport reads a file as Import would and stores nothing: its first rows, what type each of its columns has, the
// columns of the table that they would fill and how many of their cells would not fit. What only shows when rows are stored,
// such as a value that must be unique, is not found out. It asks for the same rights as the import.
func (a *Access) PreviewImport(ctx context.Context, spec ImportSpec, file ImportFile) (*ImportPreview, error) {
	if err := spec.check(&a.e.limits); err != nil {
		return nil, err
	}
	var to *importTarget
	if spec.Table == "" {
		if _, err := a.at(ctx, spec.Base, rbac.AlterTables); err != nil {
			return nil, err
		}
	} else {
		s, err := a.at(ctx, spec.Table, rbac.WriteRows)
		if err != nil {
			return nil, err
		}
		to = &importTarget{}
		if to.table, to.seen, err = s.tableOf(ctx, spec.Table); err != nil {
			return nil, err
		}
	}
	in := a.importing(spec, file, nil)
	r, err := in.open()
	if err != nil {
		return nil, err
	}
	p := &ImportPreview{Sample: [][]string{}, Faults: []ImportFault{}, Columns: make([]PreviewColumn, len(r.Header()))}
	for i, title := range r.Header() {
		p.Columns[i].Title = title
	}
	if comma, encoding, ok := tabular.Dialect(r); ok {
		p.Separator, p.Encoding = string(comma), encoding
	}
	if to != nil {
		to.cells, p.Faults = matchTitles(to.seen, r.Header(), spec.Columns)
		withOwn(to.cells, to.table)
		for _, c := range to.cells {
			p.Columns[c.at].Column, p.Columns[c.at].Name = c.column.ID, c.column.Name
		}
		var missing *ImportError
		if err := checkKey(to.seen, to.cells, spec.Key); errors.As(err, &missing) {
			p.Faults = append(p.Faults, missing.Faults...)
		}
		if p.Faults == nil {
			p.Faults = []ImportFault{}
		}
	}
	kinds := tabular.NewInference(len(p.Columns))
	if err := p.read(ctx, r, to, kinds); err != nil {
		return nil, err
	}
	for i, found := range kinds.Columns() {
		spec := inferredColumn(p.Columns[i].Title, found)
		p.Columns[i].Type, p.Columns[i].Empty = spec.Type, found.Empty
		if spec.Options.Scale > 0 {
			p.Columns[i].Options = &spec.Options
		}
	}
	return p, nil
}

// read goes through the rows of the file. A fault of the file itself ends the preview where it is.
func (p *ImportPreview) read(ctx context.Context, r tabular.Reader, to *importTarget, kinds *tabular.Inference) error {
	for {
		record, err := r.Next()
		var fault ImportFault
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &fault):
			p.note(fault)
			return nil
		case err != nil:
			return fmt.Errorf("read the file: %w", err)
		case r.Row()%1024 == 0 && ctx.Err() != nil:
			return ctx.Err()
		}
		p.Rows++
		kinds.Add(record)
		if len(p.Sample) < sampleRows {
			texts := make([]string, len(record))
			for i, c := range record {
				texts[i] = c.Text
			}
			p.Sample = append(p.Sample, texts)
		}
		if to == nil {
			continue
		}
		for _, c := range to.cells {
			if _, err := c.parse(record[c.at]); err != nil {
				p.Columns[c.at].Failing++
				p.note(valueFault(r, c.at, err))
			}
		}
	}
}

func (p *ImportPreview) note(f ImportFault) {
	if len(p.Faults) >= maxFaults {
		p.More = true
		return
	}
	p.Faults = append(p.Faults, f)
}
