package tabular

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// pieced reads a file in pieces of any length.
type pieced struct {
	*strings.Reader
	rng *rand.Rand
}

func (p pieced) Read(b []byte) (int, error) {
	return p.Reader.Read(b[:min(len(b), 1+p.rng.IntN(1+p.rng.IntN(6000)))])
}

// TestBadBytesAreFoundWhereverTheyAre puts a byte that is no text into files that have plain records, records with letters of several bytes,
// long ones, and quoted ones of several lines: wherever the pieces end in which the file is read, the row of that byte is named, and a file
// without one is read as it is.
func TestBadBytesAreFoundWhereverTheyAre(t *testing.T) {
	rng := rand.New(rand.NewPCG(testseed.Of(t), 5))
	for range 300 {
		n := 1 + rng.IntN(60)
		cells := make([][2]string, n)
		for i := range cells {
			cells[i] = [2]string{"cell " + strconv.Itoa(i), strings.Repeat([]string{"x", "y", "é", "z\nz", "plain "}[rng.IntN(5)], rng.IntN(1+rng.IntN(3000)))}
		}
		bad, odd := -1, ""
		if rng.IntN(4) > 0 {
			bad, odd = rng.IntN(n), []string{"\x00", "\xff", "\xc3"}[rng.IntN(3)]
			c := &cells[bad][rng.IntN(2)]
			at := rng.IntN(len(*c) + 1)
			*c = (*c)[:at] + odd + (*c)[at:]
		}
		var file bytes.Buffer
		file.WriteString("a,b\n")
		for _, c := range cells {
			file.WriteString(c[0] + `,"` + c[1] + "\"\n")
		}
		r, err := Open(pieced{strings.NewReader(file.String()), rng}, Options{Encoding: UTF8})
		require.NoError(t, err)
		row := 0
		for ; ; row++ {
			record, err := r.Next()
			if row == bad && odd != "" {
				var f Fault
				require.ErrorAs(t, err, &f, "row %d of %q", bad, file.String())
				require.Equal(t, []any{CodeEncoding, bad + 1}, []any{f.Code, f.Row})
				break
			}
			if errors.Is(err, io.EOF) {
				require.Equal(t, n, row)
				break
			}
			require.NoError(t, err)
			require.Equal(t, cells[row], [2]string{record[0].Text, record[1].Text})
		}
	}
}

func TestPlainText(t *testing.T) {
	for length := range 20 {
		text := bytes.Repeat([]byte{'a'}, length)
		require.True(t, plainText(text))
		for at := range text {
			for c := range 256 {
				text[at] = byte(c)
				require.Equal(t, c > 0 && c < 128, plainText(text), "%q", text)
			}
			text[at] = 0x7f
		}
	}
}
