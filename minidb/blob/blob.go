// Package blob stores the contents of attachments outside the database: in a directory ([Dir]) or, in package s3, in a bucket
// that speaks the S3 protocol.
//
// A blob is written once and never changed, so a reader needs no lock and a store may be shared by many instances. Which
// blobs belong to anything is known by the database alone.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNotFound means that there is no blob with that key.
var ErrNotFound = errors.New("no such blob")

// Store keeps blobs by key. Its methods may be called from many goroutines, and by many processes on the same place.
type Store interface {
	// Put stores the size bytes that r delivers. When it returns nil they are durable; after an error there is nothing under
	// the key, not even after a crash. r delivering fewer or more bytes is an error. A key is put once.
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	// Open reads n bytes of a blob beginning with byte from; n below 0 means to its end. The caller closes it. A key that
	// is not there is ErrNotFound.
	Open(ctx context.Context, key string, from, n int64) (io.ReadCloser, error)
	// Delete removes blobs. A key that is not there is no error.
	Delete(ctx context.Context, keys ...string) error
	// List lists the keys that begin with prefix and follow after, in byte order, at most limit of them.
	List(ctx context.Context, prefix, after string, limit int) ([]string, error)
}

// maxKey is the longest key, in bytes.
const maxKey = 200

// CheckKey reports a key that no store takes: one that is not made of generated ids, which are lower-case letters, digits and
// underscores, with a slash between two of them. Names that people chose are never part of a key.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("blob key of %d bytes", len(key))
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
			return fmt.Errorf("blob key %q is not made of ids", key)
		}
	}
	return nil
}

// Exactly reads from r and fails unless it ends after just size bytes.
func Exactly(r io.Reader, size int64) io.Reader { return &exact{r: r, left: size} }

type exact struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		var one [1]byte
		for range 100 {
			n, err := e.r.Read(one[:])
			switch {
			case n > 0:
				return 0, errors.New("the content is longer than was said")
			case err != nil:
				return 0, err // io.EOF, as it should be
			}
		}
		return 0, io.ErrNoProgress
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	} else if errors.Is(err, io.EOF) {
		err = nil // Read is called once more
	}
	return n, err
}
