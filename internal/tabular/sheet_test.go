package tabular

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// TestSheetsOfAnotherProgram reads a workbook that another program has written, with all that we do not write ourselves.
func TestSheetsOfAnotherProgram(t *testing.T) {
	f := excelize.NewFile()
	_, err := f.NewSheet("Stock")
	require.NoError(t, err)
	day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	require.NoError(t, err)
	clock := "dd.mm.yyyy hh:mm"
	instant, err := f.NewStyle(&excelize.Style{CustomNumFmt: &clock})
	require.NoError(t, err)
	for cell, v := range map[string]any{"B3": "Item", "C3": "Count", "D3": "Day", "E3": "At", "F3": "Live", "G3": "Sum",
		"B5": "bolt", "C5": 10.5, "D5": 45351, "E5": 45351.5, "F5": true, "B6": "bolt", "C6": 0.1 + 0.2} {
		require.NoError(t, f.SetCellValue("Stock", cell, v))
	}
	require.NoError(t, f.SetCellStyle("Stock", "D5", "D5", day))
	require.NoError(t, f.SetCellStyle("Stock", "E5", "E5", instant))
	require.NoError(t, f.SetCellFormula("Stock", "G5", "C5*2"))
	require.NoError(t, f.SetCellRichText("Stock", "B6", []excelize.RichTextRun{{Text: "nu"}, {Text: "t"}}))
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	require.NoError(t, f.Close())
	header, records, err := readAll(b.String(), Options{Format: XLSX, Sheet: "stock"})
	require.NoError(t, err)
	assert.Equal(t, []string{"Item", "Count", "Day", "At", "Live", "Sum"}, header)
	assert.Equal(t, [][]Cell{
		{{Text: "bolt", Quoted: true}, {Text: "10.5"}, {Text: "2024-02-29", Quoted: true}, {Text: "2024-02-29T12:00:00.000Z", Quoted: true}, {Text: "true"}, {}},
		{{Text: "nut", Quoted: true}, {Text: "0.3"}, {}, {}, {}, {}},
	}, records)
	_, _, err = readAll(b.String(), Options{Format: XLSX, Sheet: "Nope"})
	require.ErrorContains(t, err, `no sheet "Nope"; it has "Sheet1", "Stock"`)
	_, _, err = readAll(b.String(), Options{Format: XLSX})
	require.ErrorContains(t, err, "the sheet is empty")
}

// bookWith is a workbook whose sheet, or another part, is what write makes of it.
func bookWith(t testing.TB, part string, write func(io.Writer)) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range bookParts {
		w, err := z.Create(p.name)
		require.NoError(t, err)
		text := p.text
		if p.name == "xl/_rels/workbook.xml.rels" {
			text = strings.Replace(text, "</Relationships>", `<Relationship Id="rId3" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>`, 1)
		}
		_, err = io.WriteString(w, text)
		require.NoError(t, err)
	}
	w, err := z.Create(part)
	require.NoError(t, err)
	write(w)
	if !strings.HasSuffix(part, "sheet1.xml") {
		w, err = z.Create("xl/worksheets/sheet1.xml")
		require.NoError(t, err)
		_, err = io.WriteString(w, `<worksheet><sheetData><row><c t="s"><v>0</v></c></row></sheetData></worksheet>`)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.String()
}

func repeated(w io.Writer, head, body string, bytes int64) {
	_, _ = io.WriteString(w, head)
	piece := []byte(strings.Repeat(body, 1<<20/len(body)))
	for n := int64(0); n < bytes; n += int64(len(piece)) {
		_, _ = w.Write(piece)
	}
}

// TestAttack50Workbooks opens workbooks that are small as files and huge as anything else: each is refused within seconds
// and without the memory.
func TestAttack50Workbooks(t *testing.T) {
	const sheet = "xl/worksheets/sheet1.xml"
	gib := int64(256) << 20 // more than the share of its packed size
	if slower > 1 {
		gib = 80 << 20 // more than what is always allowed; the rest is the test's own work
	}
	for _, tc := range []struct {
		name, part string
		write      func(io.Writer)
	}{
		{"one cell in the last row", sheet, func(w io.Writer) {
			fmt.Fprint(w, `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>A</t></is></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>`)
		}},
		{"one cell in the last row alone", sheet, func(w io.Writer) {
			fmt.Fprint(w, `<worksheet><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>`)
		}},
		{"a sheet of a quarter gibibyte", sheet, func(w io.Writer) {
			repeated(w, `<worksheet><sheetData>`, `<row><c><v>1</v></c></row>`, gib)
		}},
		{"one text of a quarter gibibyte", sheet, func(w io.Writer) {
			repeated(w, `<worksheet><sheetData><row><c><v>`, "1", gib)
		}},
		{"one text of 60 MiB", sheet, func(w io.Writer) {
			repeated(w, `<worksheet><sheetData><row><c t="str"><v>`, "1", 60<<20)
		}},
		{"one tag of 60 MiB", sheet, func(w io.Writer) {
			repeated(w, `<worksheet><sheetData><row`, ` a=""`, 60<<20)
		}},
		{"a text in 60 MiB of pieces", sheet, func(w io.Writer) {
			repeated(w, `<worksheet><sheetData><row><c t="str"><v>`, "1<a/>", 60<<20)
		}},
		{"shared texts of a quarter gibibyte", "xl/sharedStrings.xml", func(w io.Writer) {
			repeated(w, `<sst>`, `<si><t>xxxxxxxxxxxx</t></si>`, gib)
		}},
		{"shared texts without an end", "xl/sharedStrings.xml", func(w io.Writer) {
			repeated(w, `<sst>`, `<si/>`, 60<<20)
		}},
		{"entities", sheet, func(w io.Writer) {
			fmt.Fprint(w, `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet><sheetData><row><c t="str"><v>&b;</v></c></row></sheetData></worksheet>`)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := bookWith(t, tc.part, tc.write)
			require.Less(t, len(file), 2<<20)
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			peak := watchHeap(t)
			begin := time.Now()
			_, _, err := readAll(file, Options{Format: XLSX})
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			var fault Fault
			require.ErrorAs(t, err, &fault)
			t.Log(fault, took, peak()>>20, "MiB")
			assert.Less(t, took, slower*5*time.Second)
			assert.Less(t, peak()-before.HeapAlloc, uint64(256<<20))
		})
	}
}

// watchHeap samples the heap until the test ends; the result tells the most it has seen.
func watchHeap(t *testing.T) func() uint64 {
	stop, done := make(chan struct{}), make(chan uint64, 1)
	go func() {
		var most uint64
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				done <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	var most uint64
	return func() uint64 {
		if stop != nil {
			close(stop)
			stop, most = nil, <-done
		}
		return most
	}
}

func TestFaultsOfJSON(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		format     Format
		want       Fault
	}{
		{"empty", "", NDJSON, Fault{Code: CodeFile, Message: "the file has no objects with keys"}},
		{"empty array", "[]", JSON, Fault{Code: CodeFile, Message: "the file has no objects with keys"}},
		{"no object", "{\"a\":1}\n5\n", NDJSON, Fault{Line: 2, Row: 2, Code: CodeFile, Message: `an object such as {"Name": "x"} was expected`}},
		{"half an object", "{\"a\":1}\n{\"a\":\n", NDJSON, Fault{Line: 2, Row: 2, Column: "a", Code: CodeFile, Message: "the value is no JSON"}},
		{"two on a line", `{"a":1}{"a":2}`, NDJSON, Fault{Line: 1, Row: 1, Code: CodeFile, Message: "something follows the object"}},
		{"a key twice", `[{"a":1,"a":2}]`, JSON, Fault{Row: 1, Column: "a", Code: CodeShape, Message: "the key is there twice"}},
		{"keys alike", `[{"a":1,"A":2}]`, JSON, Fault{Column: "2", Code: CodeHeader, Message: `the header "A" is also that of column 1`}},
		{"not whole", `[{"a":1},`, JSON, Fault{Row: 2, Code: CodeFile, Message: "the file is no JSON array of objects, or it is not whole"}},
		{"more behind", `[{"a":1}]x`, JSON, Fault{Row: 2, Code: CodeFile, Message: "something follows the array"}},
		{"not UTF-8", "{\"a\":\"\xff\"}", NDJSON, Fault{Line: 1, Row: 1, Code: CodeEncoding, Message: "the record is not UTF-8"}},
		{"NUL", `{"a":"\u0000"}`, NDJSON, Fault{Line: 1, Row: 1, Column: "a", Code: CodeEncoding, Message: "the cell contains a NUL character"}},
		{"deep", `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", NDJSON, Fault{Line: 1, Row: 1, Column: "a", Code: CodeTooLarge, Message: "the value is nested deeper than 32"}},
		{"a line without end", strings.Repeat(" ", maxRecord+1), NDJSON, tooLong(1, 1)},
		{"a text without end", `[{"a":"` + strings.Repeat("x", 3*maxRecord), JSON, tooLong(0, 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := readAll(tc.file, Options{Format: tc.format})
			var f Fault
			require.ErrorAs(t, err, &f)
			assert.Equal(t, tc.want, f)
		})
	}
}
