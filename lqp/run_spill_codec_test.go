package lqp

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// bytesFile is a SpillFile in memory.
type bytesFile struct{ bytes.Buffer }

func (f *bytesFile) Reader() (io.Reader, error) { return bytes.NewReader(f.Bytes()), nil }
func (f *bytesFile) Close() error               { return nil }

func overBytes(content []byte, rows int64) *spillWriter {
	f := &bytesFile{}
	f.Write(content)
	return &spillWriter{file: &heldFile{SpillFile: f, account: &account{}}, step: "test", rows: rows}
}

// Rows of any values come back as they were written.
func TestSpilledRowsComeBack(t *testing.T) {
	kinds := []Kind{Null, Bool, Number, Float, Text, Date, DateTime}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 8).Draw(t, "values")
		var rows []spillRow
		for range rapid.IntRange(1, 20).Draw(t, "rows") {
			r := spillRow{seq: rapid.Int64().Draw(t, "seq"), sub: rapid.Int64().Draw(t, "sub")}
			for i := range n + 1 {
				v := Value{}
				if k := rapid.SampledFrom(kinds).Draw(t, "kind"); k != Null {
					v = genValue(k).Draw(t, "value")
				}
				switch rapid.IntRange(0, 9).Draw(t, "wrap") {
				case 0:
					v = ListValue([]Value{v, {}, v})
				case 1:
					v = BytesValue(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
				case 2:
					v = JSONValue(`{"a": [1, 2]}`)
				}
				if i == 0 {
					r.keys = append(r.keys, v)
				} else {
					r.row = append(r.row, v)
				}
			}
			rows = append(rows, r)
		}
		w := overBytes(nil, 0)
		for i := range rows {
			require.NoError(t, w.add(&rows[i]))
		}
		for range 2 {
			reader, err := w.read(1, n)
			require.NoError(t, err)
			for _, want := range rows {
				got, err := reader.next()
				require.NoError(t, err)
				require.Equal(t, want.seq, got.seq)
				require.Equal(t, want.sub, got.sub)
				requireValues(t, want.keys, got.keys)
				requireValues(t, want.row, got.row)
			}
			last, err := reader.next()
			require.NoError(t, err)
			require.Nil(t, last)
		}
	})
}

func requireValues(t require.TestingT, want, got []Value) {
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].Kind(), got[i].Kind())
		require.True(t, Equal(want[i], got[i]), "%s and %s", want[i], got[i])
	}
}

// Damaged rows are errors, and small ones of much claimed size allocate little.
func FuzzSpilledRows(f *testing.F) {
	row := spillRow{keys: []Value{textValue("key")}, row: []Value{IntValue(5), ListValue([]Value{textValue("a"), {}}), FloatValue(1.5)}, seq: 7}
	f.Add(appendSpillRow(nil, &row))
	f.Add(binary.LittleEndian.AppendUint32(nil, 1<<31))
	f.Add(append(binary.LittleEndian.AppendUint32(nil, 12), 0, 0, byte(List), 0xFF, 0xFF, 0xFF, 0xFF, 0x0F))
	f.Add(append(binary.LittleEndian.AppendUint32(nil, 8), 0, 0, byte(Text), 0xFF, 0xFF, 0xFF, 0xFF, 0x0F))
	f.Fuzz(func(t *testing.T, content []byte) {
		reader, err := overBytes(content, 3).read(1, 3)
		require.NoError(t, err)
		for {
			row, err := reader.next()
			if err != nil {
				require.ErrorIs(t, err, ErrSpill)
				return
			}
			if row == nil {
				return
			}
			again := appendSpillRow(nil, row)
			r, err := overBytes(again, 1).read(1, 3)
			require.NoError(t, err)
			back, err := r.next()
			require.NoError(t, err)
			for i := range row.row {
				require.Equal(t, row.row[i].Kind(), back.row[i].Kind())
			}
		}
	})
}
