package csvfile

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/livetables/livetables/lqp"
)

func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		want       Fault
	}{
		{"empty file", "", Fault{Line: 1, Message: "the file is empty; a header line is needed"}},
		{"UTF-16", "\xff\xfea\x00", Fault{Line: 1, Message: "the file is UTF-16; save it as UTF-8"}},
		{"empty header", "a,,c\n", Fault{Line: 1, Column: "2", Message: "the header is empty"}},
		{"header twice", "a,b,A\n", Fault{Line: 1, Column: "3", Message: `the header "A" is also that of column 1`}},
		{"too few cells", "a,b\n1,2\n3\n", Fault{Line: 3, Row: 2, Message: "1 cells, the header has 2; a quote or a separator may be missing"}},
		{"bare quote", "a,b\n1,x\"y\n", Fault{Line: 2, Row: 1, Message: `broken quoting: bare " in non-quoted-field (byte 4)`}},
		{"open quote", "a,b\n1,\"x\n2,y\n", Fault{Line: 2, Row: 1, Message: `broken quoting: extraneous or missing " in quoted-field (found at line 3, byte 5)`}},
		{"mixed encodings", "a,b\n1,é\n2,caf\xe9\n", Fault{Line: 3, Row: 2, Column: "b", Message: "the cell is not UTF-8; the file may mix encodings (Windows-1252?)"}},
		{"NUL", "a\n\x00\n", Fault{Line: 2, Row: 1, Column: "a", Message: "the cell contains a NUL character"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := readAll(tc.file)
			var f Fault
			require.ErrorAs(t, err, &f)
			assert.Equal(t, tc.want, f)
		})
	}
}

func readAll(file string) error {
	r, err := NewReader(strings.NewReader(file), 0)
	if err != nil {
		return err
	}
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestSeparatorIsFound(t *testing.T) {
	for file, want := range map[string]rune{"a,b;c,d\n": ',', "a;b\n1,5;2\n": ';', "\"a,b,c\"\tx\n": '\t', "a|b\n": '|', "one\n": ','} {
		r, err := NewReader(strings.NewReader(file), 0)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(r.Comma), "%q", file)
	}
}

func TestInfer(t *testing.T) {
	file := "\ufeffint,dec,bool,date,time,code,phone,empty,mixed\n" +
		"1,1.50,true,2024-02-29,2024-02-29T10:00:00Z,007,+49 30,,1\n" +
		"-20,3,FALSE,2023-01-01,2023-01-01 08:00:00,010,+1,,x\n,,,,,,,,\n"
	r, err := NewReader(strings.NewReader(file), 0)
	require.NoError(t, err)
	cols, err := Infer(r)
	require.NoError(t, err)
	kinds := map[string]lqp.Kind{}
	for i, c := range cols {
		kinds[r.Header[i]] = c.Kind
	}
	assert.Equal(t, map[string]lqp.Kind{"int": lqp.Number, "dec": lqp.Number, "bool": lqp.Bool, "date": lqp.Date, "time": lqp.DateTime,
		"code": lqp.Text, "phone": lqp.Text, "empty": lqp.Text, "mixed": lqp.Text}, kinds)
	assert.True(t, cols[0].Integer)
	assert.False(t, cols[1].Integer)
	assert.Equal(t, 2, cols[1].Scale)
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "width")
		cell := rapid.OneOf(rapid.StringMatching(`['=+@\-]{0,3}[a-z" ,;\n]{0,5}`), rapid.String()).
			Filter(func(s string) bool { return !strings.ContainsAny(s, "\x00\r") })
		records := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 0, 8).Draw(t, "records")
		var b bytes.Buffer
		w := NewWriter(&b)
		for i := range width {
			w.Text(string(rune('a' + i)))
		}
		require.NoError(t, w.End())
		for _, rec := range records {
			for _, c := range rec {
				w.Text(c)
			}
			require.NoError(t, w.End())
		}
		require.NoError(t, w.Flush())
		r, err := NewReader(&b, ',')
		require.NoError(t, err)
		for _, want := range records {
			got, err := r.Next()
			require.NoError(t, err)
			for i := range want {
				assert.Equal(t, want[i], Unescape(got[i]))
				if got[i] != "" {
					assert.NotContains(t, "=+-@\t\r", got[i][:1], "a spreadsheet would run %q", got[i])
				}
			}
		}
		_, err = r.Next()
		assert.ErrorIs(t, err, io.EOF)
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("a,b\n1,\"x\"\"y\"\n"))
	f.Add([]byte("a;b\n\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var fault Fault
		if err := readAll(string(data)); err != nil && !errors.As(err, &fault) {
			t.Fatalf("not a fault: %v", err)
		}
	})
}
