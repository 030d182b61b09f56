package livetables

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/internal/indexuse"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// IndexSuggestion is an index that queries of late would have had use of.
type IndexSuggestion struct {
	Columns []minidb.IndexColumn // as CreateIndex takes them
	Queries int64                // that had use of it, since the program began; older ones count less
	Rows    int64                // of the table, as far as the principal sees them
	// ReadNow and ReadThen are about how many rows such a query goes through without the index and with it, estimated from up to
	// a thousand rows.
	ReadNow, ReadThen int64
}

// Bounds of suggestions.
const (
	maxSuggestions  = 10
	fewRows         = 1_000 // of a table that is read through faster than an index is kept
	worthwhile      = 2     // times fewer rows that an index has to save
	adviceSample    = 1_000 // rows that estimates are made from
	rangeShare      = 3     // one of so many rows is within a range, by common assumption
	usualPage       = 100   // rows that a sorted page reads along an index
	adviceColumns   = 8     // of an index, as minidb has it
	maxAdviceShapes = 16    // shapes that are looked at
)

// observe notes by what a query filters and sorts a table of the mini-DB: columns, not values. What rules add is not noted.
func (s *entry) observe(p *keptPlan) {
	if p.table != "" {
		s.e.uses.Note(p.table, p.shape)
	}
}

// IndexSuggestions lists the indexes that the queries of a table would have had use of, the most useful first, for those who may
// make them. Columns that are hidden from the principal or masked for it are in none, and rows are counted as it sees them. What
// was asked is forgotten when the program ends.
func (a *Access) IndexSuggestions(ctx context.Context, table string) ([]IndexSuggestion, error) {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	uses := slices.DeleteFunc(s.e.uses.Of(t.ID), func(u indexuse.Use) bool {
		return slices.ContainsFunc(u.Shape.Columns(func(string, string) int { return 0 }), func(k indexuse.Key) bool {
			return seen.Table().Column(k.Column) == nil || !seen.Shows(k.Column)
		})
	})
	if len(uses) == 0 {
		return nil, nil
	}
	ad := advisor{table: t, uses: uses[:min(len(uses), maxAdviceShapes)]}
	if err := ad.look(ctx, s); err != nil {
		return nil, fmt.Errorf("index suggestions: %w", err)
	}
	return ad.suggestions(), nil
}

// advisor weighs the shapes of a table's queries.
type advisor struct {
	table  *minidb.Table
	uses   []indexuse.Use
	rows   int64
	shares map[string]float64 // of the rows, that have one value of a column, by column
}

// look counts the rows and finds out how far the columns tell rows apart. It is a query of the principal like any other.
func (ad *advisor) look(ctx context.Context, s *entry) error {
	var columns []string
	for _, u := range ad.uses {
		for _, id := range u.Equal {
			if !slices.Contains(columns, id) {
				columns = append(columns, id)
			}
		}
	}
	q := &lqp.Query{From: lqp.Source{Table: ad.table.ID, Alias: ruleAlias}, Count: lqp.CountExact, Page: lqp.Page{Limit: min(adviceSample, s.limits.MaxPageRows)}}
	q.Select = []lqp.Named{{Name: "one", Expr: lqp.Literal(lqp.BoolValue(true))}}
	for _, id := range columns {
		q.Select = append(q.Select, lqp.Named{Name: id, Expr: lqp.Ref(ruleAlias, id)})
	}
	rows, err := s.query(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	counts := make([]map[string]int, len(columns))
	for i := range counts {
		counts[i] = make(map[string]int)
	}
	n := 0
	for ; rows.Next(); n++ {
		for i := range columns {
			counts[i][string(rows.Value(i+1).AppendKey(nil))]++
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	ad.rows, _ = rows.Count()
	ad.shares = make(map[string]float64, len(columns))
	for i, id := range columns {
		share := 0.0
		for _, c := range counts[i] {
			share += float64(c) * float64(c) / float64(n*n)
		}
		ad.shares[id] = share
	}
	return nil
}

// suggestions weighs what indexes would save against those that there are.
func (ad *advisor) suggestions() []IndexSuggestion {
	if ad.rows < fewRows {
		return nil
	}
	var list []IndexSuggestion
	for _, u := range ad.uses {
		columns := u.Columns(func(a, b string) int { return cmp.Or(cmp.Compare(ad.shares[a], ad.shares[b]), cmp.Compare(a, b)) })
		columns = columns[:min(len(columns), adviceColumns)]
		index := make([]minidb.IndexColumn, len(columns))
		for i, k := range columns {
			index[i] = minidb.IndexColumn{Column: k.Column, Desc: k.Desc}
		}
		now := ad.rows
		for _, x := range ad.table.Indexes() {
			now = min(now, ad.reads(&u, x.Columns))
		}
		then := ad.reads(&u, index)
		if then*worthwhile > now {
			continue
		}
		at := slices.IndexFunc(list, func(o IndexSuggestion) bool { return slices.Equal(o.Columns, index) })
		if at >= 0 {
			list[at].Queries += u.Queries
			continue
		}
		list = append(list, IndexSuggestion{Columns: index, Queries: u.Queries, Rows: ad.rows, ReadNow: now, ReadThen: then})
	}
	slices.SortStableFunc(list, func(a, b IndexSuggestion) int { return cmp.Compare(b.saves(), a.saves()) })
	return list[:min(len(list), maxSuggestions)]
}

func (x *IndexSuggestion) saves() int64 { return x.Queries * (x.ReadNow - x.ReadThen) }

// reads is about how many rows a query goes through that an index of those columns serves: those that agree in the leading columns
// that it compares with values; of them the share of a range, or no more than a page when they are in the order that is asked for.
func (ad *advisor) reads(u *indexuse.Use, index []minidb.IndexColumn) int64 {
	rows, left := float64(ad.rows), slices.Clone(u.Equal)
	i := 0
	for ; i < len(index); i++ {
		at := slices.Index(left, index[i].Column)
		if at < 0 {
			break
		}
		rows *= ad.shares[index[i].Column]
		left = slices.Delete(left, at, at+1)
	}
	rest := index[i:]
	if len(rest) > 0 && rest[0].Column == u.Range && u.Range != "" {
		rows /= rangeShare
	}
	if len(u.Sort) > 0 && len(left) == 0 && len(rest) >= len(u.Sort) {
		forward, backward := true, true
		for k, key := range u.Sort {
			forward = forward && rest[k].Column == key.Column && rest[k].Desc == key.Desc
			backward = backward && len(u.Sort) == 1 && rest[k].Column == key.Column
		}
		if forward || backward {
			rows = min(rows, usualPage)
		}
	}
	return max(1, int64(rows))
}
