package tabular

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// Limits of a workbook. A part may not unpack to more than its factor times its packed size, or the floor where that is
// more: what people have in their sheets packs by a factor of ten to fifty, bombs by a thousand.
const (
	unpackFactor  = 100
	unpackFloor   = 64 << 20
	maxSmallPart  = 16 << 20 // bytes of a part that describes the sheets
	maxDirectory  = 8 << 20  // bytes of the archive's list of parts
	maxToken      = 4 << 20  // bytes of one XML tag or text
	maxStrings    = 2_000_000
	maxStringText = 64 << 20 // bytes of the shared strings, which are held in memory
)

var errTooLarge = errors.New("too large")

// workbook is the archive of an XLSX file (ECMA-376, parts 1 and 2).
type workbook struct {
	zip     *zip.Reader
	strings *sharedStrings
	dates   []dateStyle // by cell style
	old     bool        // days count from 1904
}

type relation struct{ id, kind, target string }

func brokenBook(what string) Fault {
	return Fault{Code: CodeFile, Message: "the file is no XLSX workbook: " + what}
}

func bomb(what string) Fault {
	return Fault{Code: CodeTooLarge, Message: what + " unpacks to more than is allowed"}
}

// openBook reads what describes the sheets, and finds the part of one of them.
func openBook(file File, sheet string) (*workbook, *zip.File, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, nil, err
	}
	head := make([]byte, 4)
	if _, err := file.ReadAt(head, 0); err == nil && string(head) == "\xd0\xcf\x11\xe0" {
		return nil, nil, brokenBook("it has a password, or is of the old format .xls")
	}
	directory := &directoryMeter{file, maxDirectory}
	b := &workbook{}
	if b.zip, err = zip.NewReader(directory, size); err != nil {
		if directory.left < 0 {
			return nil, nil, bomb("the list of parts")
		}
		return nil, nil, brokenBook("it is no archive")
	}
	directory.left = 1<<63 - 1 // from here on the parts are measured
	book := "xl/workbook.xml"
	roots, err := b.relations("_rels/.rels", "")
	if err != nil {
		return nil, nil, err
	}
	for _, r := range roots {
		if strings.HasSuffix(r.kind, "/officeDocument") {
			book = r.target
		}
	}
	id, err := b.sheetID(book, sheet)
	if err != nil {
		return nil, nil, err
	}
	rels, err := b.relations(path.Join(path.Dir(book), "_rels", path.Base(book)+".rels"), path.Dir(book))
	if err != nil {
		return nil, nil, err
	}
	var part *zip.File
	for _, r := range rels {
		switch {
		case r.id == id:
			part = b.part(r.target)
		case strings.HasSuffix(r.kind, "/styles"):
			b.dates, err = b.readStyles(r.target)
		case strings.HasSuffix(r.kind, "/sharedStrings"):
			b.strings, err = b.readStrings(r.target)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if part == nil {
		return nil, nil, brokenBook("the sheet is missing")
	}
	return b, part, nil
}

// directoryMeter bounds what is read of an archive while its list of parts is read.
type directoryMeter struct {
	File
	left int64
}

// ReadAt implements io.ReaderAt.
func (m *directoryMeter) ReadAt(b []byte, at int64) (int, error) {
	if m.left -= int64(len(b)); m.left < 0 {
		return 0, errTooLarge
	}
	return m.File.ReadAt(b, at)
}

func (b *workbook) part(name string) *zip.File {
	for _, f := range b.zip.File {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// walk reads the elements of a small part; a part that is missing has none.
func (b *workbook) walk(name string, limit uint64, each func(x *elements, tag xml.StartElement) error) error {
	part := b.part(name)
	if part == nil {
		return nil
	}
	x, err := openElements(part, limit)
	if err != nil {
		return err
	}
	defer x.Close()
	for {
		switch t, err := x.next(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		default:
			if tag, ok := t.(xml.StartElement); ok {
				if err := each(x, tag); err != nil {
					return err
				}
			}
		}
	}
}

func attribute(tag xml.StartElement, name string) string {
	for _, a := range tag.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// relations are what a part says of others, their names made whole.
func (b *workbook) relations(name, dir string) (list []relation, err error) {
	err = b.walk(name, maxSmallPart, func(_ *elements, tag xml.StartElement) error {
		if tag.Name.Local != "Relationship" || attribute(tag, "TargetMode") == "External" {
			return nil
		}
		target := attribute(tag, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", dir, target)
		}
		list = append(list, relation{attribute(tag, "Id"), attribute(tag, "Type"), strings.TrimPrefix(path.Clean(target), "/")})
		return nil
	})
	return list, err
}

// sheetID finds a sheet by name, the first one when that is empty, and gives the id of its relation.
func (b *workbook) sheetID(book, name string) (id string, err error) {
	var names []string
	err = b.walk(book, maxSmallPart, func(_ *elements, tag xml.StartElement) error {
		switch tag.Name.Local {
		case "workbookPr":
			b.old = attribute(tag, "date1904") == "1" || attribute(tag, "date1904") == "true"
		case "sheet":
			title := attribute(tag, "name")
			names = append(names, strconv.Quote(title))
			if id != "" || name != "" && !strings.EqualFold(name, title) {
				return nil
			}
			for _, a := range tag.Attr { // the sheet has an id of its own, too
				if a.Name.Local == "id" && a.Name.Space != "" {
					id = a.Value
				}
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case id == "" && len(names) > 0 && name != "":
		if len(names) > 10 {
			names = append(names[:10], "…")
		}
		return "", Fault{Code: CodeFile, Message: fmt.Sprintf("the workbook has no sheet %q; it has %s", name, strings.Join(names, ", "))}
	case id == "":
		return "", brokenBook("it has no sheets")
	}
	return id, nil
}

// elements reads the tags and texts of a part.
type elements struct {
	io.Closer
	xml  *xml.Decoder
	from *byteMeter
}

// openElements opens a part, unless it says that it unpacks to more than limit and to more than its share. It cannot unpack
// to more than it says.
func openElements(part *zip.File, limit uint64) (*elements, error) {
	if size := part.UncompressedSize64; size > limit && size > unpackFloor || size > max(unpackFloor, unpackFactor*part.CompressedSize64) {
		return nil, bomb(fmt.Sprintf("the part %q", path.Base(part.Name)))
	}
	r, err := part.Open()
	if err != nil {
		return nil, brokenBook("a part cannot be unpacked")
	}
	from := newByteMeter(r, part.UncompressedSize64)
	d := xml.NewDecoder(from)
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("not UTF-8") }
	return &elements{r, d, from}, nil
}

// next is the next tag or text. Entities are not declared in workbooks: a declaration is refused.
func (x *elements) next() (xml.Token, error) {
	x.from.left = maxToken
	t, err := x.xml.RawToken()
	switch {
	case errors.Is(err, io.EOF) && x.from.err == nil:
		return nil, io.EOF
	case errors.Is(x.from.err, errTooLarge):
		return nil, Fault{Code: CodeTooLarge, Message: fmt.Sprintf("a tag or text of the workbook is longer than %d bytes", maxToken)}
	case err != nil:
		return nil, brokenBook("a part is broken")
	}
	if _, declared := t.(xml.Directive); declared {
		return nil, brokenBook("a part has declarations")
	}
	return t, nil
}

// text is the text up to the end of the element that has begun last, without tags.
func (x *elements) text(element string) (string, error) {
	var out []byte
	for {
		t, err := x.next()
		if errors.Is(err, io.EOF) {
			return "", brokenBook("a part is not whole")
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			if out = append(out, t...); len(out) > MaxCell {
				return "", Fault{Code: CodeTooLarge, Message: "a text of the workbook is too long"}
			}
		case xml.EndElement:
			if t.Name.Local == element {
				return string(out), nil
			}
		}
	}
}

// byteMeter reads bytes for the XML decoder and stops it in the middle of a token that is too long.
type byteMeter struct {
	from io.Reader
	buf  []byte
	at   int
	left int
	rest uint64 // of the part
	err  error
}

func newByteMeter(r io.Reader, size uint64) *byteMeter {
	return &byteMeter{from: r, buf: make([]byte, 0, 32<<10), rest: size}
}

// ReadByte implements io.ByteReader.
func (m *byteMeter) ReadByte() (byte, error) {
	if m.left--; m.left < 0 {
		m.err = errTooLarge
		return 0, m.err
	}
	for m.at == len(m.buf) {
		n, err := m.from.Read(m.buf[:cap(m.buf)])
		if uint64(n) > m.rest {
			m.err = errTooLarge
			return 0, m.err
		}
		m.rest -= uint64(n)
		m.buf, m.at = m.buf[:n], 0
		if n == 0 && err != nil {
			if !errors.Is(err, io.EOF) {
				m.err = err
			}
			return 0, err
		}
	}
	m.at++
	return m.buf[m.at-1], nil
}

// Read implements io.Reader, which the decoder does not use when it can have bytes.
func (m *byteMeter) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c, err := m.ReadByte()
	if err != nil {
		return 0, err
	}
	b[0] = c
	return 1, nil
}
