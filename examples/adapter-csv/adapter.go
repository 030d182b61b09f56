package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// folder is an adapter to a directory of CSV files, each of them a table. The first line names the columns and their
// kinds: "id:number!,name:text,born:date" has the key id. \N is NULL, and so is what is no value of its column's kind.
type folder struct{ root *os.Root }

// Open is the adapter's Opener. Settings.File is the directory; nothing outside of it is ever read.
func Open(_ context.Context, s adapter.Settings) (adapter.Adapter, error) {
	root, err := os.OpenRoot(s.File)
	if err != nil {
		return nil, fmt.Errorf("open CSV folder: %w: %w", adapter.ErrUnavailable, err)
	}
	return &folder{root}, nil
}

func (f *folder) Ping(ctx context.Context) error { _, err := f.Tables(ctx); return err }
func (f *folder) Close() error                   { return f.root.Close() }
func (f *folder) Capabilities() adapter.Capabilities {
	return adapter.Capabilities{Driver: "csv", Version: "1"}
}

func (f *folder) Tables(ctx context.Context) (cat lqp.Catalog, err error) {
	files, err := fs.ReadDir(f.root.FS(), ".")
	for _, file := range files {
		if name, ok := strings.CutSuffix(file.Name(), ".csv"); ok && err == nil && file.Type().IsRegular() {
			var r *reader
			if r, err = f.open(name); err == nil {
				cat.Tables, err = append(cat.Tables, r.table), r.Close()
			}
		}
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return lqp.Catalog{}, fmt.Errorf("discover CSV files: %w: %w", adapter.ErrUnavailable, err)
	}
	slices.SortFunc(cat.Tables, func(a, b *lqp.Table) int { return strings.Compare(a.Name, b.Name) })
	return cat, nil
}

func (f *folder) Plan(q *lqp.Query) adapter.Split { return adapter.SplitWith(q, prover{}) }
func (f *folder) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	return adapter.Deliver(ctx, pushed, func(_ context.Context, t *lqp.Table) ([]lqp.Column, lqp.RowReader, error) {
		r, err := f.open(t.Name)
		if err != nil {
			return nil, nil, err
		}
		r.where = lqp.Conjuncts(pushed.Where)
		return r.table.Columns, r, nil
	})
}

// reader reads one file; table is what its first line says, where is what prover took.
type reader struct {
	file  *os.File
	csv   *csv.Reader
	left  int // bytes that the record being read may still have
	table *lqp.Table
	where []lqp.Expr
	cells []string
	err   error
}

func (f *folder) open(name string) (r *reader, err error) {
	r = &reader{table: &lqp.Table{Name: name, Path: []string{name}, Kind: lqp.BaseTable, Rows: -1}}
	if r.file, err = f.root.Open(name + ".csv"); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", adapter.ErrNoTable, name, err)
	}
	r.csv = csv.NewReader(r)
	r.Next()
	for _, cell := range r.cells {
		cell, key := strings.CutSuffix(cell, "!")
		id, kind, _ := strings.Cut(cell, ":")
		c := lqp.Column{ID: id, Name: id, Type: lqp.Type{NotNull: key}}
		if c.Type.Kind, _ = lqp.ParseKind(kind); !c.Type.Kind.Orderable() || r.table.Column(id) != nil {
			r.err = fmt.Errorf("%q is no name and kind of a new column", cell)
		}
		if r.table.Columns = append(r.table.Columns, c); key {
			r.table.Key = append(r.table.Key, id)
		}
	}
	if r.err != nil {
		return nil, errors.Join(fmt.Errorf("header of %s: %w", name, r.err), r.Close())
	}
	return r, nil
}

// Read bounds the memory of a record: after one open quote the rest of the file would be a single cell.
func (r *reader) Read(p []byte) (int, error) {
	if r.left -= len(p); r.left < 0 {
		return 0, errors.New("a record of more than 4 MB")
	}
	return r.file.Read(p)
}

// Next moves to the next record, if there is a filter to the next one that passes it.
func (r *reader) Next() bool {
	for {
		r.left = 4 << 20
		if r.cells, r.err = r.csv.Read(); r.err != nil || !slices.ContainsFunc(r.where, r.fails) {
			return r.err == nil
		}
	}
}

func (r *reader) Value(i int) lqp.Value {
	if r.cells[i] == `\N` {
		return lqp.NullValue
	}
	return adapter.TextCell(r.table.Columns[i].Type, r.cells[i])
}
func (r *reader) Err() error   { return r.err } // io.EOF at the end
func (r *reader) Close() error { return r.file.Close() }

// prover takes comparisons of a column with a value of its kind: of the other records, no other cell is decoded.
type prover struct{ adapter.ScanProver }

func (p prover) Expr(use adapter.Use, e lqp.Expr) adapter.Proof {
	if column, value := comparison(e); use == adapter.UseFilter && column != nil && value != nil && column.Type().Same(value.Type()) {
		return adapter.Proof{Exact: true}
	}
	return p.ScanProver.Expr(use, e)
}

func comparison(e lqp.Expr) (column *lqp.Col, value *lqp.Lit) {
	if eq, ok := e.(*lqp.Call); ok && eq.Func == "eq" {
		column, _ = eq.Args[0].(*lqp.Col)
		value, _ = eq.Args[1].(*lqp.Lit)
	}
	return column, value
}

func (r *reader) fails(e lqp.Expr) bool {
	column, value := comparison(e)
	at := slices.IndexFunc(r.table.Columns, func(c lqp.Column) bool { return c.ID == column.Column })
	return at < 0 || !lqp.Equal(r.Value(at), value.Val)
}
