package tabular

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding is how the text of a file is written as bytes. Empty is found out.
type Encoding string

// The encodings.
const (
	UTF8        Encoding = "utf-8"
	UTF16LE     Encoding = "utf-16le"
	UTF16BE     Encoding = "utf-16be"
	Windows1252 Encoding = "windows-1252"
)

// Valid reports whether the encoding is one of the above or empty.
func (e Encoding) Valid() bool {
	switch e {
	case "", UTF8, UTF16LE, UTF16BE, Windows1252:
		return true
	}
	return false
}

// decode reads the text of a file, whose byte order mark is left out.
func (e Encoding) decode(r io.Reader) (io.Reader, error) {
	var from encoding.Encoding
	switch e {
	case "", UTF8:
		head := make([]byte, 3)
		n, err := io.ReadFull(r, head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		if bytes.Equal(head[:n], []byte("\xef\xbb\xbf")) {
			n = 0
		}
		return io.MultiReader(bytes.NewReader(head[:n]), r), nil
	case UTF16LE:
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case UTF16BE:
		from = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case Windows1252:
		from = charmap.Windows1252
	default:
		return nil, Fault{Code: CodeEncoding, Message: fmt.Sprintf("there is no encoding %q", string(e))}
	}
	return transform.NewReader(r, from.NewDecoder()), nil
}

// detectEncoding looks at a whole file and goes back to its beginning. A byte order mark decides; without one, text whose
// every other byte is NUL is UTF-16, and text that is not UTF-8 anywhere it could be is Windows-1252. A file that has both
// UTF-8 and bytes that are not counts as UTF-8: which of them is wrong is for people to say, and the reader names the place.
func detectEncoding(file io.ReadSeeker) (Encoding, error) {
	var (
		buf         = make([]byte, sniffBytes)
		kept        int // bytes of a character whose end is not read yet
		first       = true
		found       = UTF8
		wide, alien bool // characters of several bytes, bytes that are none
	)
	for {
		n, err := file.Read(buf[kept:])
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		end := errors.Is(err, io.EOF)
		data := buf[:kept+n]
		if first && len(data) >= 4 || first && end {
			first = false
			if mark := markOf(data); mark != "" {
				found = mark
				break
			}
		}
		kept = 0
		for len(data) > 0 {
			if data[0] < utf8.RuneSelf {
				data = data[1:]
				for len(data) >= 8 && binary.LittleEndian.Uint64(data)&highBits == 0 { // most files have little else
					data = data[8:]
				}
				continue
			}
			if !end && !utf8.FullRune(data) {
				kept = copy(buf, data)
				break
			}
			r, size := utf8.DecodeRune(data)
			wide, alien = wide || r != utf8.RuneError || size > 1, alien || r == utf8.RuneError && size == 1
			data = data[size:]
		}
		if end || wide && alien {
			break
		}
	}
	if alien && !wide {
		found = Windows1252
	}
	_, err := file.Seek(0, io.SeekStart)
	return found, err
}

// markOf is the encoding that the first bytes of a file tell.
func markOf(head []byte) Encoding {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return UTF16LE
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return UTF16BE
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return UTF8
	case len(head) >= 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return UTF16LE
	case len(head) >= 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return UTF16BE
	}
	return ""
}
