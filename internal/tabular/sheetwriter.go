package tabular

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// The styles of cells, by their number in stylesPart. A cell of riskyStyle stays a text when somebody edits it.
const (
	styleDate     = `" s="1"`
	styleDateTime = `" s="2"`
	styleRisky    = `" s="3"`
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// bookParts are the parts of a workbook with one sheet, beside that sheet.
var bookParts = []struct{ name, text string }{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Rows" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`},
	{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/><numFmt numFmtId="165" formatCode="yyyy\-mm\-dd\ hh:mm:ss.000"/></numFmts><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/><xf numFmtId="49" applyNumberFormat="1" quotePrefix="1"/></cellXfs></styleSheet>`},
}

// sheetWriter writes a workbook with one sheet while the rows come.
type sheetWriter struct {
	zip     *zip.Writer
	out     *bufio.Writer
	columns []string
	buf     []byte
	line    int
}

func newSheetWriter(w io.Writer, titles []string) (*sheetWriter, error) {
	f := &sheetWriter{zip: zip.NewWriter(w)}
	for _, part := range bookParts {
		p, err := f.zip.Create(part.name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(p, xmlHead+part.text); err != nil {
			return nil, err
		}
	}
	sheet, err := f.zip.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	f.out = bufio.NewWriterSize(sheet, 64<<10)
	f.buf = append(f.buf, xmlHead+`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`...)
	for i := range titles {
		f.columns = append(f.columns, columnName(i))
	}
	f.begin()
	for i, title := range titles {
		f.text(i, title)
	}
	return f, f.end()
}

// Write implements Writer. A text is a text whatever it looks like: nothing is written as a formula.
func (f *sheetWriter) Write(row lqp.Row) error {
	if f.line == maxSheetRow {
		return fmt.Errorf("a sheet has no more than %d rows; take another format", maxSheetRow)
	}
	f.begin()
	for i := range f.columns {
		f.value(i, row.Value(i))
	}
	return f.end()
}

// Close implements Writer.
func (f *sheetWriter) Close() error {
	if _, err := f.out.WriteString(`</sheetData></worksheet>`); err != nil {
		return err
	}
	if err := f.out.Flush(); err != nil {
		return err
	}
	return f.zip.Close()
}

func (f *sheetWriter) begin() {
	f.line++
	f.buf = append(f.buf, `<row r="`...)
	f.buf = append(strconv.AppendInt(f.buf, int64(f.line), 10), `">`...)
}

func (f *sheetWriter) end() error {
	_, err := f.out.Write(append(f.buf, `</row>`...))
	f.buf = f.buf[:0]
	return err
}

func (f *sheetWriter) value(i int, v lqp.Value) {
	switch v.Kind() {
	case lqp.Null:
	case lqp.Bool:
		text := "0"
		if v.Bool() {
			text = "1"
		}
		f.number(i, `" t="b"`, text)
	case lqp.Number:
		if text := v.String(); sheetNumberIs(text) {
			f.number(i, `"`, text)
			return
		}
		f.text(i, v.String())
	case lqp.Float:
		if text := strconv.FormatFloat(v.Float(), 'f', -1, 64); sheetNumberIs(text) {
			f.number(i, `"`, text)
			return
		}
		f.text(i, v.String())
	case lqp.Date, lqp.DateTime:
		millis, style := v.Days()*dayMillis, styleDate
		if v.Kind() == lqp.DateTime {
			millis, style = v.Millis(), styleDateTime
		}
		if n, ok := serial(millis); ok {
			f.number(i, style, strconv.FormatFloat(n, 'f', -1, 64))
			return
		}
		f.text(i, v.String())
	default:
		f.text(i, v.String())
	}
}

// sheetNumberIs reports whether a spreadsheet keeps a number as it is. What has more digits is written as a text.
func sheetNumberIs(text string) bool {
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsInf(n, 0) && sheetNumber(n) == text
}

func (f *sheetWriter) number(i int, attributes, text string) {
	f.buf = append(f.buf, `<c r="`...)
	f.buf = append(f.buf, f.columns[i]...)
	f.buf = append(strconv.AppendInt(f.buf, int64(f.line), 10), attributes...)
	f.buf = append(f.buf, `><v>`...)
	f.buf = append(append(f.buf, text...), `</v></c>`...)
}

func (f *sheetWriter) text(i int, s string) {
	style := `"`
	if risky(strings.TrimLeft(s, "'")) {
		style = styleRisky
	}
	f.buf = append(f.buf, `<c r="`...)
	f.buf = append(f.buf, f.columns[i]...)
	f.buf = append(strconv.AppendInt(f.buf, int64(f.line), 10), style...)
	f.buf = append(f.buf, ` t="inlineStr"><is><t xml:space="preserve">`...)
	f.buf = append(escapeSheet(f.buf, s), `</t></is></c>`...)
}
