// Package bundle is a tar file whose first entry, the manifest, lists all others with their sizes and SHA-256 hashes. What
// surrounds the contents follows from the manifest alone: a reader computes it and compares, so that there is one file for a
// manifest, nothing between entries, and no name, link or header that a tar program could be led by.
//
// Nothing is compressed: the same contents make the same bytes with every release of every library, and what is read is
// never larger than the file.
package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
)

// Entry is one file in a bundle.
type Entry struct {
	Name string `json:"name"` // small letters, digits and _, one / at most, a suffix of letters
	Size int64  `json:"size"` // bytes
	// Lines is how many lines a text of lines has; 0 for other contents.
	Lines  int64  `json:"lines,omitempty"`
	SHA256 string `json:"sha256"` // of the content, in hexadecimal digits
}

// Manifest is what the first entry says.
type Manifest struct {
	Format  string `json:"format"`  // what the bundle is
	Version int    `json:"version"` // of the format
	// About is an object of the format's own.
	About   json.RawMessage `json:"about"`
	Entries []Entry         `json:"entries"`
}

// ManifestName is the name of the first entry.
const ManifestName = "manifest.json"

const (
	maxManifest = 64 << 20 // bytes
	maxEntries  = 400_000
	blockSize   = 512 // of tar
)

var nameForm = regexp.MustCompile(`^[a-z0-9_]{1,60}(/[a-z0-9_]{1,64})?(\.[a-z]{1,10})?$`)

// Error says where a bundle is not what it should be.
type Error struct {
	Entry  string // "" for the file as a whole
	Line   int64  // from 1, 0 for the entry as a whole
	Reason string
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.Entry == "":
		return e.Reason
	case e.Line == 0:
		return fmt.Sprintf("%s: %s", e.Entry, e.Reason)
	}
	return fmt.Sprintf("%s, line %d: %s", e.Entry, e.Line, e.Reason)
}

func bad(entry, format string, args ...any) error {
	return &Error{Entry: entry, Reason: fmt.Sprintf(format, args...)}
}

// encode is the one text of a manifest.
func (m *Manifest) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil { // it ends with a line feed
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	if b.Len() > maxManifest || len(m.Entries) > maxEntries {
		return nil, bad(ManifestName, "%d files are more than an archive can have", len(m.Entries))
	}
	return b.Bytes(), nil
}
