package mongodb

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

const (
	sampleSize  = 1000     // documents of one collection, half of them the newest
	sampleBytes = 16 << 20 // of them together
	discoverers = 4        // collections looked at at a time
)

// found is a collection or a view as the server lists it.
type found struct {
	name    string
	kind    string // "collection", "view", "timeseries"
	foreign string // locale of its own collation
}

// Tables implements [adapter.Adapter]. Collections whose documents the user may not read are left out, as are those of the
// system.
func (a *Adapter) Tables(ctx context.Context) (lqp.Catalog, error) {
	const op = "discover collections"
	all, err := a.collections(ctx)
	if err != nil {
		return lqp.Catalog{}, translate(ctx, op, err)
	}
	tables, errs := make([]*lqp.Table, len(all)), make([]error, len(all))
	var wg sync.WaitGroup
	turns := make(chan struct{}, min(discoverers, a.settings.MaxConns))
	for i := range all {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			tables[i], errs[i] = a.table(ctx, &all[i])
		})
	}
	wg.Wait()
	cat := lqp.Catalog{Database: a.settings.Database}
	for i, t := range tables {
		switch {
		case errs[i] == nil:
			cat.Tables = append(cat.Tables, t)
		case errors.Is(sentinel(errs[i]), adapter.ErrDenied) && ctx.Err() == nil:
		default:
			return lqp.Catalog{}, translate(ctx, op, errs[i])
		}
	}
	slices.SortFunc(cat.Tables, func(x, y *lqp.Table) int { return strings.Compare(x.Name, y.Name) })
	return cat, nil
}

// collections lists what can be read. A user who may not list everything is shown what it may use, by name alone.
func (a *Adapter) collections(ctx context.Context) ([]found, error) {
	list := func(narrow bool) ([]found, error) {
		cmd := bson.D{{Key: "listCollections", Value: 1}, {Key: "cursor", Value: bson.D{}}}
		if narrow {
			cmd = append(cmd, bson.E{Key: "nameOnly", Value: true}, bson.E{Key: "authorizedCollections", Value: true})
		}
		var all []found
		err := a.each(ctx, cmd, func(doc bson.Raw) bool {
			f := found{name: textAt(doc, "name"), kind: textAt(doc, "type"), foreign: textAt(doc, "options", "collation", "locale")}
			if safeCollection(f.name) {
				all = append(all, f)
			}
			return true
		})
		return all, err
	}
	all, err := list(false)
	if err != nil && errors.Is(sentinel(err), adapter.ErrDenied) {
		return list(true)
	}
	return all, err
}

// each runs a command and gives its documents to f until that is satisfied.
func (a *Adapter) each(ctx context.Context, command bson.D, f func(bson.Raw) bool) error {
	cursor, err := a.run(ctx, command)
	if err != nil {
		return err
	}
	r := &Rows{adapter: a, parent: ctx, cursor: cursor}
	defer func() { _ = r.Close() }()
	for r.fetch() {
		if !f(cursor.Current) {
			return nil
		}
	}
	return cursor.Err()
}

// textAt is the string at a path, empty when there is none.
func textAt(doc bson.Raw, path ...string) string {
	var n node
	n.want(path, 0)
	var v [1]raw
	n.fill(doc, v[:])
	if v[0].kind != bson.TypeString {
		return ""
	}
	return string(v[0].text())
}

// table describes one collection from a sample of its documents.
func (a *Adapter) table(ctx context.Context, f *found) (*lqp.Table, error) {
	t := &lqp.Table{Name: f.name, Path: []string{f.name}, Kind: lqp.Collection, Rows: -1}
	if f.kind == "view" || f.kind == "timeseries" { // neither has an index on _id
		t.Kind = lqp.ViewTable
	} else {
		var err error
		if t.Rows, err = a.count(ctx, f.name); err != nil {
			return nil, err
		}
	}
	root := &sample{}
	if err := a.sample(ctx, t, root); err != nil {
		return nil, err
	}
	s := newSchema(root)
	t.Columns, t.Comment = s.columns, s.comment(root.seen, t.Rows)
	if t.Kind == lqp.ViewTable {
		t.Comment = s.comment(root.seen, int64(root.seen)+1)
		t.Comment = strings.Replace(t.Comment, "of about", "of more than", 1)
	}
	if f.foreign != "" && f.foreign != "simple" {
		for i := range t.Columns {
			t.Columns[i].Collation = f.foreign
		}
	}
	if t.Kind == lqp.ViewTable {
		return t, nil
	}
	if id := s.column("_id"); id != nil && id.Type.Kind.Orderable() {
		// Values of other types are NULL and could not be told apart. The first and the last tell of any, numbers of
		// other kinds among integers aside.
		st, _ := parseNative(id.Native)
		uniform, err := a.proven(ctx, &idProof{t, f.name, st.form})
		if err != nil {
			return nil, err
		}
		if uniform {
			t.Key = []string{"_id"}
		} else {
			t.Comment += " The values of _id are of several types."
		}
	}
	return t, a.uniques(ctx, t)
}

// sample reads the oldest and the newest documents, or of a small collection all. That is cheap by the index of _id, sees
// how documents changed over time, and gives the same schema again while little changes.
func (a *Adapter) sample(ctx context.Context, t *lqp.Table, root *sample) error {
	budget := sampleBytes
	read := func(sort, limit int) error {
		cmd := bson.D{{Key: "find", Value: t.Path[0]}}
		if sort != 0 {
			cmd = append(cmd, bson.E{Key: "sort", Value: bson.D{{Key: "_id", Value: sort}}})
		}
		cmd = append(cmd, bson.E{Key: "limit", Value: limit}, bson.E{Key: "batchSize", Value: 100})
		return a.each(ctx, cmd, func(doc bson.Raw) bool {
			root.seen++
			root.document(doc, 0)
			budget -= len(doc)
			return budget > 0
		})
	}
	switch {
	case t.Kind == lqp.ViewTable:
		return read(0, sampleSize)
	case t.Rows <= sampleSize:
		return read(1, sampleSize)
	}
	if err := read(1, sampleSize/2); err != nil {
		return err
	}
	budget = sampleBytes
	return read(-1, sampleSize/2)
}

// uniques finds the unique indexes that say something about canonical values.
func (a *Adapter) uniques(ctx context.Context, t *lqp.Table) error {
	err := a.each(ctx, bson.D{{Key: "listIndexes", Value: t.Path[0]}}, func(doc bson.Raw) bool {
		if columns := uniqueColumns(t, doc); len(columns) > 0 {
			t.Uniques = append(t.Uniques, columns)
		}
		return true
	})
	if err != nil && (errors.Is(sentinel(err), adapter.ErrDenied) || errors.Is(sentinel(err), adapter.ErrNoTable)) {
		return nil // known without
	}
	return err
}

// uniqueColumns are the columns of an index, nil unless it is a unique one over all documents and different stored values
// are different canonical ones.
func uniqueColumns(t *lqp.Table, index bson.Raw) []string {
	var key []byte
	unique := false
	for w := walk(index); w.next(); {
		switch string(w.key) {
		case "unique":
			unique = w.val.kind == bson.TypeBoolean && w.val.data[0] != 0
		case "sparse":
			if w.val.kind == bson.TypeBoolean && w.val.data[0] != 0 {
				return nil
			}
		case "partialFilterExpression", "collation":
			return nil
		case "key":
			key = w.val.data
		}
	}
	if !unique {
		return nil
	}
	var columns []string
	for w := walk(key); w.next(); {
		c := t.Column(string(w.key))
		if c == nil || w.val.sampled() == kindString { // hashed, text
			return nil
		}
		switch st, _ := parseNative(c.Native); st.form {
		case stringForm, objectIDForm, uuidForm, intForm, boolForm, dateForm:
			columns = append(columns, c.ID)
		default:
			return nil
		}
	}
	return columns
}
