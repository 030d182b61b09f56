package tabular

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
)

// readAll reads a file to its end, as the records that it has.
func readAll(file string, opt Options) (header []string, records [][]Cell, err error) {
	r, err := Open(strings.NewReader(file), opt)
	if err != nil {
		return nil, nil, err
	}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Header(), records, nil
		}
		if err != nil {
			return r.Header(), records, err
		}
		records = append(records, append([]Cell(nil), record...))
	}
}

func TestFaultsOfCSV(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		want       Fault
	}{
		{"empty file", "", Fault{Line: 1, Code: CodeFile, Message: "the file is empty; a header line is needed"}},
		{"empty header", "a,,c\n", Fault{Line: 1, Column: "2", Code: CodeHeader, Message: "the header is empty"}},
		{"header twice", "a,b,A\n", Fault{Line: 1, Column: "3", Code: CodeHeader, Message: `the header "A" is also that of column 1`}},
		{"too few cells", "a,b\n1,2\n3\n", Fault{Line: 3, Row: 2, Code: CodeShape, Message: "1 cells, the header has 2; a quote or a separator may be missing"}},
		{"bare quote", "a,b\n1,x\"y\n", Fault{Line: 2, Row: 1, Code: CodeFile, Message: `broken quoting: bare " in non-quoted-field (byte 4)`}},
		{"open quote", "a,b\n1,\"x\n2,y\n", Fault{Line: 2, Row: 1, Code: CodeFile, Message: `broken quoting: extraneous or missing " in quoted-field (found at line 3, byte 5)`}},
		{"mixed encodings", "a,b\n1,é\n2,caf\xe9\n", Fault{Line: 3, Row: 2, Column: "b", Code: CodeEncoding, Message: "the cell is not UTF-8; the file may mix encodings (Windows-1252?)"}},
		{"NUL", "a\n\x00\n", Fault{Line: 2, Row: 1, Column: "a", Code: CodeEncoding, Message: "the cell contains a NUL character"}},
		{"a quote that never ends", "a\n\"" + strings.Repeat("x\n", maxRecord), tooLong(2, 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := readAll(tc.file, Options{})
			var f Fault
			require.ErrorAs(t, err, &f)
			assert.Equal(t, tc.want, f)
		})
	}
}

func TestSeparatorIsFound(t *testing.T) {
	for file, want := range map[string]rune{"a,b;c,d\n": ',', "a;b\n1,5;2\n": ';', "\"a,b,c\"\tx\n": '\t', "a|b\n": '|', "one\n": ',', "eee ee;x\n": ';'} {
		r, err := Open(strings.NewReader(file), Options{})
		require.NoError(t, err)
		assert.Equal(t, string(want), string(r.(*csvReader).comma), "%q", file)
	}
}

func TestEncodingIsFound(t *testing.T) {
	utf16 := func(s string, big bool) string {
		var b bytes.Buffer
		for _, c := range s {
			if big {
				b.Write([]byte{byte(c >> 8), byte(c)})
			} else {
				b.Write([]byte{byte(c), byte(c >> 8)})
			}
		}
		return b.String()
	}
	far := strings.Repeat("x,1\n", sniffBytes)
	for _, tc := range []struct {
		name, file string
		want       Encoding
		cell       string
	}{
		{"UTF-8", "Name\ncafé\n", UTF8, "café"},
		{"UTF-8 with a mark", "\xef\xbb\xbfName\ncafé\n", UTF8, "café"},
		{"UTF-16 with a mark", utf16("\ufeffName\ncafé €\n", false), UTF16LE, "café €"},
		{"UTF-16, the other order", utf16("\ufeffName\ncafé €\n", true), UTF16BE, "café €"},
		{"UTF-16 without a mark", utf16("Name\ncafé\n", false), UTF16LE, "café"},
		{"Windows-1252", "Name\ncaf\xe9 \x80\n", Windows1252, "café €"},
		{"Windows-1252, far into the file", "Name,N\ncafe,1\n" + far + "caf\xe9,1\n", Windows1252, "cafe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found, err := detectEncoding(strings.NewReader(tc.file))
			require.NoError(t, err)
			assert.Equal(t, tc.want, found)
			header, records, err := readAll(tc.file, Options{})
			require.NoError(t, err)
			assert.Equal(t, "Name", header[0])
			assert.Equal(t, tc.cell, records[0][0].Text)
		})
	}
}

func TestInfer(t *testing.T) {
	file := "\ufeffint,dec,bool,date,time,code,phone,empty,mixed,guarded\n" +
		"1,1.50,true,2024-02-29,2024-02-29T10:00:00Z,007,+49 30,,1,'-5\n" +
		"-20,3,FALSE,2023-01-01,2023-01-01 08:00:00,010,+1,,x,'-6\n,,,,,,,,,\n"
	r, err := Open(strings.NewReader(file), Options{})
	require.NoError(t, err)
	cols, err := Infer(t.Context(), r)
	require.NoError(t, err)
	kinds := map[string]lqp.Kind{}
	for i, c := range cols {
		kinds[r.Header()[i]] = c.Kind
	}
	assert.Equal(t, map[string]lqp.Kind{"int": lqp.Number, "dec": lqp.Number, "bool": lqp.Bool, "date": lqp.Date, "time": lqp.DateTime,
		"code": lqp.Text, "phone": lqp.Text, "empty": lqp.Text, "mixed": lqp.Text, "guarded": lqp.Text}, kinds)
	assert.True(t, cols[0].Integer)
	assert.False(t, cols[1].Integer)
	assert.Equal(t, 2, cols[1].Scale)
}
