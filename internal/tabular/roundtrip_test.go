package tabular

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/livetables/livetables/lqp"
)

var formats = []Format{CSV, NDJSON, JSON, XLSX}

// values is a row in memory.
type values []lqp.Value

func (v values) Value(i int) lqp.Value               { return v[i] }
func (v values) AppendJSON(dst []byte, i int) []byte { return v[i].AppendJSON(dst) }

func written(t require.TestingT, format Format, titles []string, rows []values) string {
	var b bytes.Buffer
	w, err := NewWriter(&b, format, titles)
	require.NoError(t, err)
	for _, row := range rows {
		require.NoError(t, w.Write(row))
	}
	require.NoError(t, w.Close())
	return b.String()
}

// TestRoundTrip writes random values of every kind and reads them again as what they were.
func TestRoundTrip(t *testing.T) {
	types := []lqp.Type{{Kind: lqp.Text}, {Kind: lqp.Number}, {Kind: lqp.Bool}, {Kind: lqp.Date}, {Kind: lqp.DateTime}}
	titles := []string{"=Name", "N", "B_x0041_", "D", "'T"}
	text := rapid.OneOf(rapid.StringMatching(`['=+@\-\t]{0,3}(_x[0-9A-F]{4}_)?[a-z"<&> ,;\n|]{0,5}`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		cells := []*rapid.Generator[lqp.Value]{
			rapid.Custom(func(t *rapid.T) lqp.Value {
				s := strings.NewReplacer("\x00", "", "\r", "").Replace(text.Draw(t, "text"))
				if s == "" {
					return lqp.Value{}
				}
				return lqp.TextValue(s)
			}),
			rapid.Custom(func(t *rapid.T) lqp.Value {
				s := rapid.StringMatching(`-?[1-9][0-9]{0,17}(\.[0-9]{0,9}[1-9])?`).Draw(t, "number")
				d, err := lqp.ParseDecimal(s)
				require.NoError(t, err)
				return lqp.NumberValue(d)
			}),
			rapid.Custom(func(t *rapid.T) lqp.Value { return lqp.BoolValue(rapid.Bool().Draw(t, "bool")) }),
			rapid.Custom(func(t *rapid.T) lqp.Value {
				return lqp.DateValue(rapid.Int64Range(-700_000, 2_900_000).Draw(t, "days"))
			}),
			rapid.Custom(func(t *rapid.T) lqp.Value {
				return lqp.DateTimeValue(rapid.Int64Range(-700_000*dayMillis, 2_900_000*dayMillis).Draw(t, "millis"))
			}),
		}
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) values {
			row := values{}
			for _, cell := range cells {
				v := cell.Draw(t, "value")
				if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
					v = lqp.Value{}
				}
				row = append(row, v)
			}
			row[2] = lqp.BoolValue(len(row)%2 == 0) // a sheet leaves out rows that are empty
			return row
		}), 1, 8).Draw(t, "rows")
		for _, format := range formats {
			header, records, err := readAll(written(t, format, titles, rows), Options{Format: format})
			require.NoError(t, err, format)
			require.Equal(t, titles, header)
			require.Len(t, records, len(rows))
			for i, row := range rows {
				for k, want := range row {
					got, err := lqp.ParseText(types[k], records[i][k].Text)
					require.NoError(t, err, "%s: %q", format, records[i][k].Text)
					require.Equal(t, want.String(), got.String(), "%s, row %d, %s", format, i, titles[k])
				}
			}
		}
	})
}

// TestAttack52NoFormulaIsWritten asks another program whether a workbook has formulas, and what its cells are.
func TestAttack52NoFormulaIsWritten(t *testing.T) {
	texts := []string{"=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "=cmd|' /C calc'!A0", `=HYPERLINK("http://evil.test")`, "plain"}
	var rows []values
	for _, s := range texts {
		rows = append(rows, values{lqp.TextValue(s), lqp.IntValue(-5), lqp.DateValue(19_782), lqp.BoolValue(true)})
	}
	file := written(t, XLSX, []string{"=Title", "N", "D", "B"}, rows)
	f, err := excelize.OpenReader(strings.NewReader(file))
	require.NoError(t, err)
	for i, want := range texts {
		cell := "A" + string(rune('2'+i))
		if i >= 8 {
			cell = "A1" + string(rune('0'+i-8))
		}
		formula, err := f.GetCellFormula("Rows", cell)
		require.NoError(t, err)
		assert.Empty(t, formula)
		kind, err := f.GetCellType("Rows", cell)
		require.NoError(t, err)
		assert.Equal(t, excelize.CellTypeInlineString, kind, "a text, whatever it looks like")
		got, err := f.GetCellValue("Rows", cell)
		require.NoError(t, err)
		assert.Equal(t, want, strings.ReplaceAll(got, "_x000D_", "\r"))
	}
	day, err := f.GetCellValue("Rows", "C2")
	require.NoError(t, err)
	assert.Equal(t, "2024-02-29", day, "dates are dates")
	require.NoError(t, f.Close())
	for _, format := range []Format{XLSX, CSV} {
		_, records, err := readAll(written(t, format, []string{"T", "N", "D", "B"}, rows), Options{Format: format})
		require.NoError(t, err)
		for i, want := range texts {
			assert.Equal(t, Cell{Text: want, Quoted: format == XLSX || risky(strings.TrimLeft(want, "'"))}, records[i][0], "import restores")
		}
	}
}

func FuzzReader(f *testing.F) {
	rows := []values{{lqp.TextValue("=x"), lqp.IntValue(1)}, {lqp.Value{}, lqp.IntValue(2)}}
	for i, format := range formats {
		f.Add(uint8(i), []byte(written(f, format, []string{"a", "b"}, rows)))
	}
	f.Add(uint8(0), []byte("a;b\n\"\n"))
	f.Add(uint8(0), []byte("\xff\xfea\x00\n\x00"))
	f.Add(uint8(1), []byte(`{"a":[{"b":1e400}]}`))
	f.Fuzz(func(t *testing.T, format uint8, data []byte) {
		var fault Fault
		header, records, err := readAll(string(data), Options{Format: formats[int(format)%len(formats)]})
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("not a fault: %v", err)
		}
		for _, record := range records {
			if len(record) != len(header) {
				t.Fatalf("%d cells for %d titles", len(record), len(header))
			}
		}
	})
}
