package livetables_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// endingFile is a file that ends badly when it has been read so often.
type endingFile struct {
	*strings.Reader
	reads atomic.Int64
	after int64
	how   func() error
}

func (f *endingFile) Read(b []byte) (int, error) {
	if f.reads.Add(1) >= f.after {
		return 0, f.how()
	}
	return f.Reader.Read(b[:min(len(b), 4096)])
}

// TestImportsThatCannotBeReadToTheEnd: a file is read by another goroutine than the one that stores it. What goes wrong there ends the
// import like anything else, whole batches stay, and nobody has the file afterwards.
func TestImportsThatCannotBeReadToTheEnd(t *testing.T) {
	text := numbered(5000)
	pass := len(text)/4096 + 2
	broken := errors.New("the disk is broken")
	for _, c := range []struct {
		name  string
		spec  livetables.ImportSpec
		whole bool
	}{{"whole", livetables.ImportSpec{}, true}, {"batches", livetables.ImportSpec{Batch: 100}, false}, {"large batches", livetables.ImportSpec{Batch: 2000}, false},
		{"by key", livetables.ImportSpec{Batch: 100, Key: []string{"N"}}, false}} {
		for how, fail := range map[string]func() error{"error": func() error { return broken }, "panic": func() error { panic("the disk is gone") }} {
			t.Run(c.name+", "+how, func(t *testing.T) {
				w := newWorld(t)
				tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
				file := &endingFile{Reader: strings.NewReader(text), after: int64(pass + pass*2/3), how: fail}
				spec := c.spec
				spec.Table, spec.Encoding = tbl.ID, "utf-8"
				job, err := w.editor.StartImport(t.Context(), spec, file, unneeded)
				require.NoError(t, err)
				ended := w.ended(w.editor, job.ID)
				assert.Equal(t, livetables.JobFailed, ended.State)
				reads := file.reads.Load()
				rows, entries := w.rowsAndEntries(tbl.ID)
				assert.Equal(t, rows, entries)
				assert.EqualValues(t, rows, ended.Stored)
				if c.whole {
					assert.Zero(t, rows)
				} else {
					assert.Positive(t, rows)
					assert.Less(t, rows, 5000)
					assert.Zero(t, rows%spec.Batch)
				}
				assert.Equal(t, reads, file.reads.Load())
			})
		}
	}
}

// TestFaultsOfLargeBatches: what only storing finds is told with the line of the file, in whichever batch and piece of one it is, and the
// batches before stay.
func TestFaultsOfLargeBatches(t *testing.T) {
	for _, c := range []struct{ batch, at int }{{0, 0}, {0, 63}, {0, 2999}, {1000, 0}, {1000, 999}, {1000, 1000}, {1000, 2500}, {2500, 10}, {2500, 2600}, {3000, 1}} {
		t.Run(fmt.Sprint("batch ", c.batch, ", row ", c.at), func(t *testing.T) {
			w := newWorld(t)
			tbl := w.table("T", minidb.ColumnSpec{Name: "Code", Type: minidb.TextColumn, Required: true}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
			var file strings.Builder
			file.WriteString("Code,N\n")
			for i := range 3000 {
				if i == c.at {
					fmt.Fprintf(&file, ",%d\n", i)
				} else {
					fmt.Fprintf(&file, "c%d,%d\n", i, i)
				}
			}
			report, err := importFile(w, livetables.ImportSpec{Table: tbl.ID, Batch: c.batch}, file.String())
			var faults *livetables.ImportError
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults.Faults, 1)
			f := faults.Faults[0]
			assert.Equal(t, []any{c.at + 2, c.at + 1, "Code", minidb.CodeRequired}, []any{f.Line, f.Row, f.Column, f.Code})
			want := 0
			if c.batch > 0 {
				want = c.at / c.batch * c.batch
				assert.EqualValues(t, want, report.Rows)
			}
			rows, entries := w.rowsAndEntries(tbl.ID)
			assert.Equal(t, []int{want, want}, []int{rows, entries})
		})
	}
}

// TestBatchesHaveBounds: new rows may be more than those that are found by a key.
func TestBatchesHaveBounds(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Code", Type: minidb.TextColumn})
	for _, c := range []struct {
		batch   int
		key     []string
		refused bool
	}{{4000, nil, false}, {4001, nil, true}, {-1, nil, true}, {1000, []string{"Code"}, false}, {1001, []string{"Code"}, true}} {
		_, err := importFile(w, livetables.ImportSpec{Table: tbl.ID, Batch: c.batch, Key: c.key}, "Code\na\n")
		var problems lqp.Problems
		assert.Equal(t, c.refused, errors.As(err, &problems), "%+v: %v", c, err)
	}
}
