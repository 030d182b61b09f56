package livetables_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestOpenReadsLeaveRoom holds more exports open than there are connections, as clients do that read slowly: whoever reads one row
// waits for its turn only, what needs none goes on, and no export ends as if a right had been taken away.
func TestOpenReadsLeaveRoom(t *testing.T) {
	w := newWorld(t)
	table := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	var file strings.Builder
	file.WriteString("N\n")
	for i := range 5000 {
		fmt.Fprintln(&file, i)
	}
	_, err := w.owner.Import(t.Context(), livetables.ImportSpec{Table: table.ID}, strings.NewReader(file.String()))
	require.NoError(t, err)
	first, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: table.ID}, Select: cols(t, "_id"), Page: lqp.Page{Limit: 1}})
	row := all(t, first, err)[0]
	query := &lqp.Query{From: lqp.Source{Table: table.ID}}
	const exports = 40
	var open, ended sync.WaitGroup
	open.Add(1)
	begun := make(chan struct{}, exports)
	for range exports {
		ended.Go(func() {
			rows, err := w.owner.Export(t.Context(), w.workspace, query)
			if !assert.NoError(t, err) {
				return
			}
			defer rows.Close()
			begun <- struct{}{}
			n := 0
			for rows.Next() {
				if n++; n == 1 {
					open.Wait()
				}
			}
			assert.NoError(t, rows.Err())
			assert.Equal(t, 5000, n)
		})
	}
	for range 12 { // of 16 connections
		<-begun
	}
	time.Sleep(5 * time.Second) // longer than the policy may be waited for
	select {
	case <-begun:
		t.Error("the last connections were taken")
	default:
	}
	_, err = w.owner.LockRow(t.Context(), table.ID, row, time.Minute)
	require.NoError(t, err)
	_, err = w.owner.TableHistory(t.Context(), table.ID, livetables.HistoryFilter{})
	require.NoError(t, err)
	open.Done()
	ended.Wait()
}
