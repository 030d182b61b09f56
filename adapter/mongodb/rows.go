package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// Scan implements [adapter.Adapter]. It returns once the server has answered with the first documents or an error, so that
// an error of the command itself is returned here. Cancelling ctx ends the wait for the server at once and, by the end of
// the connection or the cursor, the work there.
func (a *Adapter) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	op := "scan " + sourceName(pushed)
	if _, err := a.database(ctx); err != nil { // the first connection may show that the server cannot be asked this
		return nil, translate(ctx, op, err)
	}
	if p, ok := a.apart(pushed); ok {
		if err := p.begin(ctx, op); err != nil {
			return nil, err
		}
		return p, nil
	}
	st, reason := compile(pushed, mode{facts: a.facts.Load()})
	if reason == "" && st.proof != nil {
		uniform, err := a.proven(ctx, st.proof)
		if err != nil {
			return nil, translate(ctx, op, err)
		}
		if !uniform {
			st, reason = compile(pushed, mode{facts: a.facts.Load(), computedSort: true})
		}
	}
	if reason != "" {
		return nil, failure.New(op, adapter.ErrData, errors.New(reason))
	}
	rows, err := a.send(ctx, op, &st, pushed.Where != nil)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// send runs a statement. filtered says that its filter is somebody's.
func (a *Adapter) send(ctx context.Context, op string, st *statement, filtered bool) (*Rows, error) {
	cursor, err := a.run(ctx, st.command)
	if err != nil {
		if st.computes || filtered {
			err = evaluation(err)
		}
		return nil, translate(ctx, op, err)
	}
	r := &Rows{adapter: a, parent: ctx, cursor: cursor, op: op, columns: st.columns, whole: st.whole, slots: make([]raw, len(st.columns))}
	r.computes = st.computes || filtered
	for i := range st.columns {
		r.tree.want(st.columns[i].path, i)
	}
	return r, nil
}

// sourceName names what a query reads, for errors.
func sourceName(q *lqp.Query) string {
	if q.From.Query != nil {
		return sourceName(q.From.Query)
	}
	return q.From.Table
}

// proven asks whether every _id of a collection is of a form. The server orders values by their types first, so that the
// first and the last _id, which the index gives at once, tell about all between.
func (a *Adapter) proven(ctx context.Context, p *idProof) (bool, error) {
	ends := func(direction int) bson.A {
		return bson.A{
			bson.D{{Key: "$sort", Value: bson.D{{Key: "_id", Value: direction}}}}, bson.D{{Key: "$limit", Value: 1}},
			bson.D{{Key: "$project", Value: bson.D{{Key: "_id", Value: 1}}}},
		}
	}
	last := bson.D{{Key: "$unionWith", Value: bson.D{{Key: "coll", Value: p.collection}, {Key: "pipeline", Value: ends(-1)}}}}
	cursor, err := a.run(ctx, append(bson.D{
		{Key: "aggregate", Value: p.collection}, {Key: "pipeline", Value: append(ends(1), last)},
		{Key: "cursor", Value: bson.D{}},
	}, a.facts.Load().collation(p.table)...))
	if err != nil {
		if known := sentinel(err); codeOf(err) != 0 && (errors.Is(known, failure.ErrUnknown) || errors.Is(known, adapter.ErrUnsupported)) {
			return false, nil // a server without $unionWith sorts by computed keys
		}
		return false, err
	}
	r := &Rows{adapter: a, parent: ctx, cursor: cursor, op: "scan", columns: []output{{storage: storage{form: p.form}}}, slots: make([]raw, 1)}
	r.tree.want([]string{"_id"}, 0)
	uniform := true
	for r.Next() {
		uniform = uniform && !r.Value(0).IsNull()
	}
	return uniform, errors.Join(r.Err(), r.Close())
}

// Rows iterates over the documents of a reply. A value is decoded when it is asked for, straight from the reply's bytes.
type Rows struct {
	adapter *Adapter
	parent  context.Context // the caller's, for errors
	cursor  *mongo.Cursor
	op      string
	columns []output
	tree    node
	slots   []raw
	whole   bool // one row is due even without documents
	// computes says that the server evaluates expressions, which may fail.
	computes bool
	done     bool
	closed   bool
	err      error
}

var _ adapter.Rows = (*Rows)(nil)

// Next implements [adapter.Rows].
func (r *Rows) Next() bool {
	if r.done || r.closed {
		return false
	}
	clear(r.slots)
	if !r.fetch() {
		r.done = true
		if err := r.cursor.Err(); err != nil {
			if r.computes {
				err = evaluation(err)
			}
			r.err = translate(r.parent, r.op, err)
			return false
		}
		if r.whole {
			r.whole = false
			return true
		}
		return false
	}
	r.whole = false
	r.tree.fill(r.cursor.Current, r.slots)
	return true
}

// fetch moves to the next document. Asking the server for more has the statement's timeout.
func (r *Rows) fetch() bool {
	if r.cursor.RemainingBatchLength() > 0 || r.cursor.ID() == 0 {
		return r.cursor.Next(r.parent)
	}
	ctx, cancel := context.WithTimeout(r.parent, r.adapter.settings.Timeout)
	defer cancel()
	r.cursor.SetBatchSize(batch)
	return r.cursor.Next(ctx)
}

// Value implements [adapter.Rows].
func (r *Rows) Value(i int) lqp.Value { return r.columns[i].value(r.slots[i]) }

// AppendJSON implements [adapter.Rows].
func (r *Rows) AppendJSON(dst []byte, i int) []byte { return r.columns[i].appendJSON(dst, r.slots[i]) }

// Err implements [adapter.Rows].
func (r *Rows) Err() error { return r.err }

// Close implements [adapter.Rows]. A cursor that the server still holds is killed there; that happens in the background,
// Close does not wait for the server.
func (r *Rows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	clear(r.slots)
	end := func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = r.cursor.Close(ctx) // a cursor that cannot be killed ends by itself when nobody asks
	}
	if r.cursor.ID() == 0 {
		end()
		return nil
	}
	r.adapter.closing.Add(1)
	go func() {
		defer r.adapter.closing.Done()
		end()
	}()
	return nil
}
