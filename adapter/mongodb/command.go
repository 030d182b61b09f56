package mongodb

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// statement is a command and how to read its reply.
type statement struct {
	command bson.D
	columns []output
	// proof, when set, is what the server has to prove before the command's order is the wanted one.
	proof *idProof
	// whole says that the whole input is one group: without documents there is a row nevertheless.
	whole bool
	// computes says that the server evaluates expressions, which may fail.
	computes bool
}

// output is one column of the reply.
type output struct {
	path []string
	storage
	kind outputKind
}

// outputKind says how a value of the reply becomes the column's.
type outputKind uint8

const (
	stored  outputKind = iota // by its form
	counted                   // a count
	summed                    // a sum of integers
	mean                      // a sum of integers in a document with their count
)

// idProof asks that every _id of a collection be of one form.
type idProof struct {
	table      *lqp.Table
	collection string
	form       form
}

// batch is how many documents a reply brings at most; the server also ends it at 16 MiB.
const batch = 1000

var simpleCollation = bson.D{{Key: "locale", Value: "simple"}}

// mode says how a query is compiled. The zero value is how it is sent to a server of which nothing is known.
type mode struct {
	masked       bool // question marks stand in the place of the query's values
	computedSort bool // the index of _id is forgone
	facts        *facts
}

// compile makes the command for a pushed query.
func compile(q *lqp.Query, m mode) (st statement, reason string) {
	b, reason := newBuilder(q, m)
	if reason != "" {
		return st, reason
	}
	switch {
	case q.Grouped():
		reason = b.groups()
	case len(q.OrderBy) == 0 && len(q.Page.After) == 0:
		reason = b.plain(nil)
	case !m.computedSort && b.byID():
	default:
		reason = b.sorted()
	}
	return b.st, reason
}

// newBuilder starts the command for a pushed query with its filter.
func newBuilder(q *lqp.Query, m mode) (*builder, string) {
	t := q.From.Schema
	if t == nil || q.From.Query != nil || len(q.Joins) > 0 {
		return nil, "only one collection is read at a time"
	}
	if len(t.Path) != 1 || !safeCollection(t.Path[0]) {
		return nil, "no collection has that name"
	}
	c := &compiler{table: t, alias: q.From.Alias, masked: m.masked, facts: m.facts}
	filter, reason := c.predicate(q.Where)
	return &builder{compiler: c, q: q, collection: t.Path[0], filter: filter}, reason
}

// narrow adds a condition to the filter.
func (b *builder) narrow(f bson.D) {
	switch {
	case len(f) == 0:
	case len(b.filter) == 0:
		b.filter = f
	default:
		b.filter = bson.D{{Key: "$and", Value: bson.A{f, b.filter}}}
	}
}

// builder builds one statement.
type builder struct {
	*compiler
	q          *lqp.Query
	collection string
	filter     bson.D
	st         statement
}

// finish adds what every command has.
func (b *builder) finish(command bson.D) {
	b.st.command = append(command, b.facts.collation(b.table)...)
}

func (b *builder) batchSize() int32 {
	if b.q.Page.Limit > 0 && b.q.Page.Limit < batch {
		return int32(b.q.Page.Limit)
	}
	return batch
}

// fields finds the selected columns and the projection that fetches them. A path is not fetched when one above it is.
func (b *builder) fields() (projection bson.D, reason string) {
	var paths []string
	for i := range b.q.Select {
		f, reason := b.field(b.q.Select[i].Expr)
		if reason != "" {
			return nil, reason
		}
		b.st.columns = append(b.st.columns, output{path: f.path, storage: f.storage})
		paths = append(paths, f.name)
	}
	taken := map[string]bool{}
	id := len(paths) == 0 // a projection must name something
	for _, p := range paths {
		above := false
		for _, o := range paths {
			above = above || strings.HasPrefix(p, o+".")
		}
		if !above && !taken[p] {
			taken[p] = true
			projection = append(projection, bson.E{Key: p, Value: 1})
			id = id || p == "_id" || strings.HasPrefix(p, "_id.")
		}
	}
	if !id {
		projection = append(projection, bson.E{Key: "_id", Value: 0})
	} else if len(projection) == 0 {
		projection = bson.D{{Key: "_id", Value: 1}}
	}
	return projection, ""
}

// plain is a find, in the order of sort or of no matter.
func (b *builder) plain(sort bson.D) string {
	projection, reason := b.fields()
	if reason != "" {
		return reason
	}
	cmd := bson.D{{Key: "find", Value: b.collection}, {Key: "filter", Value: b.filter}, {Key: "projection", Value: projection}}
	if len(sort) > 0 {
		cmd = append(cmd, bson.E{Key: "sort", Value: sort})
	}
	if b.q.Page.Offset > 0 {
		cmd = append(cmd, bson.E{Key: "skip", Value: int64(b.q.Page.Offset)})
	}
	if b.q.Page.Limit > 0 {
		cmd = append(cmd, bson.E{Key: "limit", Value: int64(b.q.Page.Limit)})
	}
	b.finish(append(cmd, bson.E{Key: "batchSize", Value: b.batchSize()}))
	return ""
}

// byID sorts by _id through its index, when _id is the first sort key: it decides between any two documents. Of the forms
// that can be, all values lie in one stretch of the index, between whose ends there is nothing else.
func (b *builder) byID() bool {
	first := &b.q.OrderBy[0]
	f, reason := b.field(first.Expr)
	if reason != "" || f.name != "_id" || b.table.Kind != lqp.Collection {
		return false
	}
	switch f.form {
	case objectIDForm, uuidForm, dateForm:
	default:
		return false
	}
	span := f.form.valid()
	if f.form == objectIDForm {
		span = interval{"$gte", "$lte", bson.ObjectID{}, bson.ObjectID([]byte(strings.Repeat("\xff", 12)))}
	}
	ops := span.ops(constant)
	if after := b.q.Page.After; len(after) > 0 {
		if len(after) != len(b.q.OrderBy) || after[0].IsNull() {
			return false
		}
		v, ok := f.form.stored(after[0])
		if !ok {
			return false
		}
		if first.Desc {
			ops = bson.D{ops[0], {Key: "$lt", Value: b.bind(v)}}
		} else {
			ops = bson.D{{Key: "$gt", Value: b.bind(v)}, ops[1]}
		}
	}
	all := b.filter
	b.narrow(bson.D{{Key: "_id", Value: ops}}) // also keeps out what comes in after the proof
	if b.plain(bson.D{{Key: "_id", Value: (&sortKey{order: first}).direction()}}) != "" {
		b.filter, b.st = all, statement{}
		return false
	}
	b.st.proof = &idProof{b.table, b.collection, f.form}
	return true
}

// sorted is a pipeline that computes the sort keys.
func (b *builder) sorted() string {
	projection, reason := b.fields()
	if reason != "" {
		return reason
	}
	prefix := "_lt"
	for _, e := range projection {
		for strings.HasPrefix(e.Key, prefix) {
			prefix = "_" + prefix
		}
	}
	keys := make([]sortKey, len(b.q.OrderBy))
	var cuts bson.D
	for i := range b.q.OrderBy {
		o := &b.q.OrderBy[i]
		v, reason := b.groupKey(o.Expr)
		if reason != "" {
			return reason
		}
		keys[i] = sortKey{name: prefix + itoa(i), form: v.form, order: o}
		projection = append(projection, bson.E{Key: keys[i].name, Value: v.expr})
		if v.form == stringForm {
			cuts = append(cuts, bson.E{Key: keys[i].name, Value: sortPrefix("$" + keys[i].name)})
		}
	}
	pipeline := bson.A{bson.D{{Key: "$match", Value: b.filter}}, bson.D{{Key: "$project", Value: projection}}}
	if len(cuts) > 0 {
		pipeline = append(pipeline, bson.D{{Key: "$set", Value: cuts}})
	}
	return b.aggregate(pipeline, keys)
}

// aggregate ends a pipeline with the page: position, order, offset and limit.
func (b *builder) aggregate(pipeline bson.A, keys []sortKey) string {
	page := &b.q.Page
	if len(page.After) > 0 {
		after, reason := b.after(keys, page.After)
		if reason != "" {
			return reason
		}
		pipeline = append(pipeline, bson.D{{Key: "$match", Value: after}})
	}
	if len(keys) > 0 {
		pipeline = append(pipeline, sortStages(keys)...)
	}
	if page.Offset > 0 {
		pipeline = append(pipeline, bson.D{{Key: "$skip", Value: int64(page.Offset)}})
	}
	if page.Limit > 0 {
		pipeline = append(pipeline, bson.D{{Key: "$limit", Value: int64(page.Limit)}})
	}
	b.st.computes = true
	b.finish(bson.D{
		{Key: "aggregate", Value: b.collection}, {Key: "pipeline", Value: pipeline},
		{Key: "cursor", Value: bson.D{{Key: "batchSize", Value: b.batchSize()}}}, {Key: "allowDiskUse", Value: true},
	})
	return ""
}

// foreignCollation reports that a view has a collation of its own, which a command cannot override.
func foreignCollation(t *lqp.Table) bool { return t.Kind == lqp.ViewTable && collated(t) }

// collated reports that a collection or view has a collation by default.
func collated(t *lqp.Table) bool {
	for i := range t.Columns {
		if t.Columns[i].Collation != "" {
			return true
		}
	}
	return false
}
