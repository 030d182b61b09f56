package livetables_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TestKeptPlansServeManyAtOnce: readers of two engines ask for different rows by one plan while the table is changed; each gets
// what it asked for, with the columns of before or after the change that was under way.
func TestKeptPlansServeManyAtOnce(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Other", Type: minidb.TextColumn})
	var rows [][]string
	for i := range 40 {
		rows = append(rows, []string{fmt.Sprint("name ", i), fmt.Sprint("other ", i)})
	}
	w.insert(w.owner, tbl, rows...)
	stop := make(chan struct{})
	var changing, reading sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			name := fmt.Sprint("Other", i%2)
			_, err := w.owner.UpdateColumn(ctx, tbl.Columns[1].ID, minidb.ColumnPatch{Name: &name}, 0)
			assert.NoError(t, err)
		}
	})
	second := w.second()
	for r := range 6 {
		a := w.engine.As(rbac.Principal{ID: "viewer"})
		if r%2 == 1 {
			a = second.As(rbac.Principal{ID: "viewer"})
		}
		reading.Go(func() {
			for i := range 150 {
				n := (i*7 + r) % 40
				q := &lqp.Query{From: lqp.Source{Table: tbl.ID}, Where: lqp.NewCall("eq", lqp.Ref("", tbl.Columns[0].ID), lqp.Literal(lqp.TextValue(rows[n][0]))),
					Select: []lqp.Named{{Name: "a", Expr: lqp.Ref("", tbl.Columns[0].ID)}, {Name: "b", Expr: lqp.Ref("", tbl.Columns[1].ID)}}}
				found, err := a.Query(ctx, w.workspace, q)
				if !assert.NoError(t, err) {
					return
				}
				got := 0
				for found.Next() {
					got++
					assert.Equal(t, rows[n][0]+" "+rows[n][1], found.Value(0).Text()+" "+found.Value(1).Text())
				}
				assert.NoError(t, found.Err())
				assert.Equal(t, 1, got)
				assert.NoError(t, found.Close())
			}
		})
	}
	reading.Wait()
	close(stop)
	changing.Wait()
	require.False(t, t.Failed())
}
