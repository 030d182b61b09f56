package httpapi

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sheetText is the text of a sheet: a head, a piece many times over, and an end. Compressing hundreds of megabytes would take
// the most time of a test, so the piece is compressed once: what flate.Writer.Flush ends can be repeated (RFC 1951, 3.2.3).
type sheetText struct {
	head  string
	piece []byte
	times int
	end   string
}

// compressed is the text as a stream of deflate, with its checksum and length.
func (s sheetText) compressed(t *testing.T) (stream []byte, sum uint32, size int) {
	t.Helper()
	var b bytes.Buffer
	add := func(text []byte, times int) {
		var once bytes.Buffer
		w, err := flate.NewWriter(&once, flate.BestCompression)
		require.NoError(t, err)
		_, err = w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Flush())
		for range times {
			b.Write(once.Bytes())
			sum = crc32.Update(sum, crc32.IEEETable, text)
			size += len(text)
		}
	}
	add([]byte(s.head), 1)
	add(s.piece, s.times)
	add([]byte(s.end), 1)
	b.Write([]byte{1, 0, 0, 0xff, 0xff}) // the last block, which is empty
	return b.Bytes(), sum, size
}

// bookWithSheet is a workbook that the server has written with another sheet in it.
func bookWithSheet(t *testing.T, book string, sheet sheetText) *bytes.Buffer {
	t.Helper()
	from, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
	require.NoError(t, err)
	var b bytes.Buffer
	to := zip.NewWriter(&b)
	for _, part := range from.File {
		if strings.HasSuffix(part.Name, "sheet1.xml") {
			stream, sum, size := sheet.compressed(t)
			w, err := to.CreateRaw(&zip.FileHeader{Name: part.Name, Method: zip.Deflate, CRC32: sum,
				CompressedSize64: uint64(len(stream)), UncompressedSize64: uint64(size)})
			require.NoError(t, err)
			_, err = w.Write(stream)
			require.NoError(t, err)
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
	for name, sheet := range map[string]sheetText{
		"one cell in the last row":       {head: title, end: `<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>`},
		"a megabyte that unpacks to 400": {head: title, piece: piece, times: 400 << 20 / len(piece)},
		"a cell without an end":          {head: title + `<row><c t="str"><v>`, piece: bytes.Repeat([]byte("1"), 1<<20), times: 60},
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
			require.Less(t, time.Since(begin), 30*time.Second) // a second on a quiet machine, without the race detector
			require.Less(t, after.Sys-before.Sys, uint64(256<<20), "memory of the process")
		})
	}
}
