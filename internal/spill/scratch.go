package spill

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/livetables/livetables/lqp"
)

// blockSize is how many bytes of content a block of a file holds; its seal follows.
const blockSize = 32 << 10

// Scratch is the temporary storage of one query: one file on disk whose blocks its streams share. Every block is sealed
// with AES-256-GCM under a key that lives as long as the file, each time with another nonce, so that a damaged or
// exchanged block is noticed. It is used by one goroutine.
type Scratch struct {
	place *Place
	max   int64

	file   *os.File // nil while there are no streams
	name   string   // where the system keeps the names of open files
	aead   cipher.AEAD
	sealed uint64  // blocks so far, the next nonce
	slots  int64   // of the file
	free   []int64 // slots without content
	open   int     // streams
	buf    []byte  // a sealed block on its way
}

var _ lqp.Spill = (*Scratch)(nil)

// Create implements lqp.Spill.
func (s *Scratch) Create() (lqp.SpillFile, error) {
	if s.file == nil {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	s.open++
	return &stream{s: s}, nil
}

func (s *Scratch) begin() error {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return failure(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return failure(err)
	}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		return failure(err)
	}
	s.file, s.name, err = s.place.create()
	return err
}

// end removes the file.
func (s *Scratch) end() error {
	err := s.file.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
	}
	s.place.used.Add(-s.slots * s.slotSize())
	*s = Scratch{place: s.place, max: s.max}
	if err != nil {
		return failure(err)
	}
	return nil
}

func (s *Scratch) slotSize() int64 { return blockSize + int64(s.aead.Overhead()) }

// slot finds a place for a block.
func (s *Scratch) slot() (int64, error) {
	if n := len(s.free); n > 0 {
		at := s.free[n-1]
		s.free = s.free[:n-1]
		return at, nil
	}
	if s.max > 0 && (s.slots+1)*s.slotSize() > s.max {
		return 0, &lqp.BudgetError{Limit: lqp.LimitDisk, Max: s.max}
	}
	if err := s.place.claim(s.slotSize()); err != nil {
		return 0, err
	}
	s.slots++
	return s.slots - 1, nil
}

// blockRef is where a block is and what it was sealed with.
type blockRef struct {
	slot  int64
	nonce uint64
	size  int32
}

func (s *Scratch) nonce(n uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, s.aead.NonceSize()-8, s.aead.NonceSize()), n)
}

func (s *Scratch) write(content []byte) (blockRef, error) {
	slot, err := s.slot()
	if err != nil {
		return blockRef{}, err
	}
	ref := blockRef{slot: slot, nonce: s.sealed, size: int32(len(content))}
	s.sealed++
	s.buf = s.aead.Seal(s.buf[:0], s.nonce(ref.nonce), content, nil)
	if _, err := s.file.WriteAt(s.buf, slot*s.slotSize()); err != nil {
		s.free = append(s.free, slot)
		return blockRef{}, failure(err)
	}
	return ref, nil
}

// read appends the content of a block to dst.
func (s *Scratch) read(dst []byte, ref blockRef) ([]byte, error) {
	size := int(ref.size) + s.aead.Overhead()
	if cap(s.buf) < size {
		s.buf = make([]byte, size)
	}
	s.buf = s.buf[:size]
	if _, err := s.file.ReadAt(s.buf, ref.slot*s.slotSize()); err != nil {
		return nil, failure(err)
	}
	dst, err := s.aead.Open(dst, s.nonce(ref.nonce), s.buf, nil)
	if err != nil {
		return nil, failure(err)
	}
	return dst, nil
}

// stream is one file of the query within the file on disk.
type stream struct {
	s      *Scratch
	blocks []blockRef
	buf    []byte // content of the block that is not full yet
	closed bool
}

var errClosed = errors.New("the file is closed")

// Write implements lqp.SpillFile.
func (f *stream) Write(p []byte) (int, error) {
	if f.closed {
		return 0, failure(errClosed)
	}
	n := 0
	for len(p) > 0 {
		if f.buf == nil {
			f.buf = make([]byte, 0, blockSize)
		}
		part := min(len(p), blockSize-len(f.buf))
		f.buf = append(f.buf, p[:part]...)
		p, n = p[part:], n+part
		if len(f.buf) == blockSize {
			if err := f.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (f *stream) flush() error {
	if len(f.buf) == 0 {
		return nil
	}
	ref, err := f.s.write(f.buf)
	if err != nil {
		return err
	}
	f.blocks, f.buf = append(f.blocks, ref), f.buf[:0]
	return nil
}

// Reader implements lqp.SpillFile.
func (f *stream) Reader() (io.Reader, error) {
	if f.closed {
		return nil, failure(errClosed)
	}
	if err := f.flush(); err != nil {
		return nil, err
	}
	f.buf = nil
	return &reader{f: f}, nil
}

// Close implements lqp.SpillFile.
func (f *stream) Close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	for _, b := range f.blocks {
		f.s.free = append(f.s.free, b.slot)
	}
	f.blocks, f.buf = nil, nil
	if f.s.open--; f.s.open == 0 {
		return f.s.end()
	}
	return nil
}

type reader struct {
	f    *stream
	next int    // block
	buf  []byte // of the block
	rest []byte // of buf, not read yet
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.f.closed {
		return 0, failure(errClosed)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if len(r.rest) == 0 {
		if r.next == len(r.f.blocks) {
			r.buf = nil
			return 0, io.EOF
		}
		if r.buf == nil {
			r.buf = make([]byte, 0, blockSize)
		}
		var err error
		if r.rest, err = r.f.s.read(r.buf[:0], r.f.blocks[r.next]); err != nil {
			return 0, err
		}
		r.next++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
