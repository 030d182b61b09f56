package bundle

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"
)

// Builder gathers the entries of a bundle, whose manifest comes first although it is known last: texts wait in a temporary
// file. It is used by one goroutine.
type Builder struct {
	file  *os.File
	out   *bufio.Writer
	size  int64
	parts []part
	sum   hash.Hash // of the entry that was begun
}

type part struct {
	Entry
	at   int64
	open func(context.Context) (io.ReadCloser, error) // nil for what is in the temporary file
}

// NewBuilder begins a bundle. file is an empty temporary one for the lines, which Close closes; it should have no name any more,
// so that it goes with the process.
func NewBuilder(file *os.File) *Builder {
	const buffer = 256 << 10
	return &Builder{file: file, out: bufio.NewWriterSize(file, buffer)}
}

// Close closes the temporary file.
func (b *Builder) Close() error { return b.file.Close() }

// Begin begins an entry of lines, which ends with the next call of Begin, Add or WriteTo.
func (b *Builder) Begin(name string) {
	b.end()
	b.parts = append(b.parts, part{Entry: Entry{Name: name}, at: b.size})
	b.sum = sha256.New()
}

func (b *Builder) end() {
	if b.sum != nil {
		b.parts[len(b.parts)-1].SHA256 = hex.EncodeToString(b.sum.Sum(nil))
		b.sum = nil
	}
}

var lineFeed = []byte{'\n'}

// Line adds a line, given without its end, to the entry that was begun last.
func (b *Builder) Line(line []byte) error {
	p := &b.parts[len(b.parts)-1]
	p.Lines++
	for _, bytes := range [][]byte{line, lineFeed} {
		_, _ = b.sum.Write(bytes) // it never fails
		if _, err := b.out.Write(bytes); err != nil {
			return fmt.Errorf("write archive: %w", err)
		}
		p.Size += int64(len(bytes))
		b.size += int64(len(bytes))
	}
	return nil
}

// Add adds an entry whose content is opened when the bundle is written and must then be as e says.
func (b *Builder) Add(e Entry, open func(context.Context) (io.ReadCloser, error)) {
	b.end()
	b.parts = append(b.parts, part{Entry: e, open: open})
}

// Manifest is that of the entries so far.
func (b *Builder) Manifest(format string, version int, about []byte) *Manifest {
	b.end()
	m := &Manifest{Format: format, Version: version, About: about, Entries: make([]Entry, len(b.parts))}
	for i := range b.parts {
		m.Entries[i] = b.parts[i].Entry
	}
	return m
}

// WriteTo writes the bundle with a manifest of this builder. An error leaves a part of it written; a content that is not
// what its entry says is one.
func (b *Builder) WriteTo(ctx context.Context, w io.Writer, m *Manifest) error {
	if err := b.out.Flush(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	text, err := m.encode()
	if err != nil {
		return err
	}
	const buffer = 256 << 10
	out := bufio.NewWriterSize(w, buffer)
	if err := frame(out, ManifestName, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	for i := range b.parts {
		if err := b.copy(ctx, out, &b.parts[i]); err != nil {
			return fmt.Errorf("write %s: %w", b.parts[i].Name, err)
		}
	}
	if _, err := out.Write(make([]byte, 2*blockSize)); err != nil {
		return err
	}
	return out.Flush()
}

func (b *Builder) copy(ctx context.Context, out io.Writer, p *part) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.open == nil {
		return frame(out, p.Name, p.Size, io.NewSectionReader(b.file, p.at, p.Size))
	}
	content, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	sum := sha256.New()
	if err := frame(out, p.Name, p.Size, io.TeeReader(content, sum)); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
		return errors.New("the content is not what was stored")
	}
	return nil
}

// frame writes one entry as tar has it (POSIX.1-2001, pax).
func frame(out io.Writer, name string, size int64, content io.Reader) error {
	head, err := header(name, size)
	if err != nil {
		return err
	}
	if _, err := out.Write(head); err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(content, size))
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("%d of %d bytes are there: %w", n, size, io.ErrUnexpectedEOF)
	}
	_, err = out.Write(make([]byte, padding(size)))
	return err
}

// padding is how many zeros follow a content.
func padding(size int64) int64 { return (blockSize - size%blockSize) % blockSize }

// header is what stands before a content: the same bytes for the same name and size.
func header(name string, size int64) ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: time.Unix(0, 0)})
	if err != nil {
		return nil, fmt.Errorf("header of %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Size is the size of the whole bundle in bytes.
func (m *Manifest) Size() (int64, error) {
	text, err := m.encode()
	if err != nil {
		return 0, err
	}
	size := int64(2 * blockSize)
	for _, e := range append([]Entry{{Name: ManifestName, Size: int64(len(text))}}, m.Entries...) {
		head, err := header(e.Name, e.Size)
		if err != nil {
			return 0, err
		}
		size += int64(len(head)) + e.Size + padding(e.Size)
	}
	return size, nil
}
