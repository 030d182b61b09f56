package bundle

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits bound what is read.
type Limits struct {
	Bytes int64 // of the whole file
	Lines int64 // of all entries together
	Line  int   // bytes of one line
}

// Reader reads a bundle that anybody may have made.
type Reader struct {
	Manifest
	file   io.ReaderAt
	limits Limits
	at     []int64 // where the contents begin
	index  map[string]int
}

// Open reads the manifest of a bundle of so many bytes and compares everything but the contents with what follows from it.
// Formats names the versions of the format that the caller reads; others are refused, whatever else the file has. The error
// is an *Error when the file is at fault.
func Open(file io.ReaderAt, size int64, format string, versions []int, limits Limits) (*Reader, error) {
	if size > limits.Bytes {
		return nil, bad("", "the archive has %d bytes, and %d are taken", size, limits.Bytes)
	}
	r := &Reader{file: file, limits: limits, index: map[string]int{}}
	end, err := r.manifest(size, format, versions)
	if err != nil {
		return nil, err
	}
	lines := int64(0)
	for i := range r.Entries {
		e := &r.Entries[i]
		if err := r.check(e); err != nil {
			return nil, err
		}
		r.index[e.Name] = i
		if lines += e.Lines; lines > limits.Lines {
			return nil, bad(e.Name, "more than %d lines in all", limits.Lines)
		}
		head, err := header(e.Name, e.Size)
		if err != nil {
			return nil, err
		}
		if e.Size > size-end-int64(len(head)) {
			return nil, bad(e.Name, "the archive ends before it")
		}
		if err := r.same(e.Name, end, head); err != nil {
			return nil, err
		}
		end += int64(len(head))
		r.at = append(r.at, end)
		end += e.Size
		if err := r.same(e.Name, end, make([]byte, padding(e.Size))); err != nil {
			return nil, err
		}
		end += padding(e.Size)
	}
	if err := r.same("", end, make([]byte, 2*blockSize)); err != nil {
		return nil, err
	}
	if end+2*blockSize != size {
		return nil, bad("", "something follows the end of the archive")
	}
	return r, nil
}

// manifest reads the first entry and answers where it ends.
func (r *Reader) manifest(size int64, format string, versions []int) (end int64, err error) {
	head := make([]byte, blockSize)
	if n, err := r.file.ReadAt(head, 0); n < blockSize {
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("read archive: %w", err)
		}
		return 0, bad("", "this is no archive of a workspace")
	}
	// The field of the size (POSIX.1-2001, pax, "ustar Header Block"): octal digits, the rest of the header is compared.
	length, err := strconv.ParseInt(strings.TrimRight(string(head[124:136]), "\x00 "), 8, 64)
	want, bodyErr := header(ManifestName, max(length, 0))
	if err != nil || bodyErr != nil || !bytes.Equal(head, want) {
		return 0, bad("", "this is no archive of a workspace")
	}
	if length > maxManifest || length > size-blockSize {
		return 0, bad(ManifestName, "the archive ends before it, or it is too long")
	}
	text := make([]byte, length)
	if _, err := r.file.ReadAt(text, blockSize); err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read archive: %w", err)
	}
	var kind struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(text, &kind); err != nil || kind.Format != format {
		return 0, bad(ManifestName, "this is no %s", format)
	}
	known := false
	for _, v := range versions {
		known = known || v == kind.Version
	}
	if !known {
		return 0, bad(ManifestName, "version %d of the format is not one that is read here", kind.Version)
	}
	if err := Canonical(text[:max(len(text)-1, 0)], &r.Manifest); err != nil || text[len(text)-1] != '\n' {
		return 0, bad(ManifestName, "it is not as it is written: %v", err)
	}
	if len(r.Entries) > maxEntries {
		return 0, bad(ManifestName, "more than %d files", maxEntries)
	}
	end = blockSize + length
	return end + padding(length), r.same(ManifestName, end, make([]byte, padding(length)))
}

func (r *Reader) check(e *Entry) error {
	sum, err := hex.DecodeString(e.SHA256)
	_, twice := r.index[e.Name]
	switch {
	case !nameForm.MatchString(e.Name) || e.Name == ManifestName:
		return bad(ManifestName, "%q is no name of a file in an archive", cut(e.Name))
	case twice:
		return bad(ManifestName, "%q is listed twice", e.Name)
	case e.Size < 0 || e.Lines < 0 || e.Lines > e.Size:
		return bad(e.Name, "a size that cannot be")
	case err != nil || len(sum) != sha256.Size || strings.ToLower(e.SHA256) != e.SHA256:
		return bad(e.Name, "no SHA-256")
	}
	return nil
}

// cut is the beginning of a text that somebody else wrote.
func cut(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "?")
}

// same compares bytes of the file with what they must be.
func (r *Reader) same(entry string, at int64, want []byte) error {
	got := make([]byte, len(want))
	n, err := r.file.ReadAt(got, at)
	switch {
	case n < len(want) && (err == nil || errors.Is(err, io.EOF)):
		return bad(entry, "the archive is cut short")
	case n < len(want):
		return fmt.Errorf("read archive: %w", err)
	case !bytes.Equal(got, want):
		return bad(entry, "what surrounds the content is not what the manifest leads to")
	}
	return nil
}

// Has reports whether there is an entry of that name.
func (r *Reader) Has(name string) bool {
	_, ok := r.index[name]
	return ok
}

// Content is the content of an entry, nil when there is none of that name.
func (r *Reader) Content(name string) *io.SectionReader {
	i, ok := r.index[name]
	if !ok {
		return nil
	}
	return io.NewSectionReader(r.file, r.at[i], r.Entries[i].Size)
}

// Verify reads all contents and compares them with the manifest. It names the first entry that differs.
func (r *Reader) Verify(ctx context.Context) error {
	const buffer = 256 << 10
	chunk := make([]byte, buffer)
	for i := range r.Entries {
		e := &r.Entries[i]
		sum, lines, last := sha256.New(), int64(0), byte('\n')
		content := r.Content(e.Name)
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := content.Read(chunk)
			_, _ = sum.Write(chunk[:n]) // it never fails
			if n > 0 {
				lines, last = lines+int64(bytes.Count(chunk[:n], lineFeed)), chunk[n-1]
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read archive: %w", err)
			}
		}
		if hex.EncodeToString(sum.Sum(nil)) != e.SHA256 {
			return bad(e.Name, "its content is not the one that the manifest names: it was changed or damaged")
		}
		if text := strings.HasSuffix(e.Name, ".ndjson"); text && (lines != e.Lines || last != '\n') || !text && e.Lines != 0 {
			return bad(e.Name, "it has %d lines, and the manifest says %d", lines, e.Lines)
		}
	}
	return nil
}

// Lines gives the lines of an entry, without their ends, to f one after the other. A line is valid until f returns. An error
// of f that is an *Error without a place gets that of the line.
func (r *Reader) Lines(ctx context.Context, name string, f func(line []byte) error) error {
	content := r.Content(name)
	if content == nil {
		return bad(name, "it is missing")
	}
	const buffer, often = 64 << 10, 1024
	s := bufio.NewScanner(content)
	s.Buffer(make([]byte, 0, min(buffer, r.limits.Line)), r.limits.Line) // the room it begins with counts too
	s.Split(splitLines)
	n := int64(0)
	for s.Scan() {
		if n++; n%often == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if err := f(s.Bytes()); err != nil {
			if e := (*Error)(nil); errors.As(err, &e) && e.Entry == "" {
				return &Error{Entry: name, Line: n, Reason: e.Reason}
			}
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return &Error{Entry: name, Line: n + 1, Reason: fmt.Sprintf("a line has at most %d bytes", r.limits.Line)}
	}
	return s.Err()
}

// splitLines splits at line feeds alone: a carriage return is part of a line.
func splitLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// Canonical decodes a JSON text into v and fails unless v encodes to just this text: unknown, missing, repeated or otherwise
// spelled members, blanks and what follows the value are errors.
func Canonical(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	again, err := Encode(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, text) {
		return errors.New("not in the form in which it is written")
	}
	return nil
}

// Encode is the JSON text of v that Canonical takes.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), lineFeed), nil
}
