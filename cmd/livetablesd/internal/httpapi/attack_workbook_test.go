package httpapi

import (
	"archive/zip"
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bookWithSheet is a workbook that the server has written with another sheet in it.
func bookWithSheet(t *testing.T, book string, sheet func(io.Writer)) *bytes.Buffer {
	t.Helper()
	from, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
	require.NoError(t, err)
	var b bytes.Buffer
	to := zip.NewWriter(&b)
	for _, part := range from.File {
		if strings.HasSuffix(part.Name, "sheet1.xml") {
			w, err := to.Create(part.Name)
			require.NoError(t, err)
			sheet(w)
			continue
		}
		require.NoError(t, to.Copy(part))
	}
	require.NoError(t, to.Close())
	return &b
}

// TestAttack50ImportedWorkbooks uploads workbooks that are small and unpack to much: 422, at once and without the memory.
func TestAttack50ImportedWorkbooks(t *testing.T) {
	p := newPlace(t, shared)
	book := p.must(t, 200, "owner", "GET", "/api/v1/tables/"+p.table+"/export.xlsx", nil).body
	const title = `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c></row>`
	piece := []byte(strings.Repeat(`<row><c t="str"><v>1</v></c></row>`, 1<<15))
	for name, sheet := range map[string]func(io.Writer){
		"one cell in the last row": func(w io.Writer) {
			_, _ = io.WriteString(w, title+`<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>`)
		},
		"a megabyte that unpacks to 400": func(w io.Writer) {
			_, _ = io.WriteString(w, title)
			for n := 0; n < 400<<20; n += len(piece) {
				_, _ = w.Write(piece)
			}
		},
		"a cell without an end": func(w io.Writer) {
			_, _ = io.WriteString(w, title+`<row><c t="str"><v>`)
			_, _ = w.Write(bytes.Repeat([]byte("1"), 60<<20))
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := bookWithSheet(t, book, sheet)
			require.Less(t, file.Len(), 4<<20)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			begin := time.Now()
			for _, path := range []string{"/api/v1/tables/" + p.table + "/import", "/api/v1/tables/" + p.table + "/import/preview", "/api/v1/bases/" + p.base + "/import?name=Bomb"} {
				a := p.do(t, "owner", "POST", path, bytes.NewReader(file.Bytes()), "Content-Type", sheetType)
				if strings.HasSuffix(path, "preview") && a.status == 200 { // the fault is what it shows
					require.Contains(t, a.body, `"code":"too_large"`)
					continue
				}
				require.Equal(t, 422, a.status, a.body)
				require.Contains(t, a.body, `"limit":"file"`)
			}
			runtime.ReadMemStats(&after)
			require.Less(t, time.Since(begin), 5*time.Second)
			require.Less(t, after.Sys-before.Sys, uint64(256<<20), "memory of the process")
		})
	}
}
