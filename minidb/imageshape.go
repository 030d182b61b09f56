package minidb

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// imageShape is what the images of the rows of a table have in common: the names of their members. The images of a transaction of many
// rows are stored without them, which is less than half of their bytes. What is hashed and handed out is the whole object.
type imageShape struct {
	id      string
	head    string   // `["id"`
	members []string // `"col_…":`
}

// shapeDigits are enough bits of a SHA-256 for ids that nobody meets twice by accident. Who makes two shapes with one id on purpose writes to
// the database already, and the chain tells of it: it is over the objects.
const shapeDigits = 26

// leastImage is the size in bytes from which on an image is worth a shape.
const leastImage = 256

func newShape(workspace string, members []string) *imageShape {
	sum := sha256.Sum256([]byte(workspace + "\n" + strings.Join(members, "\n")))
	id := "shp_" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:shapeDigits]
	return &imageShape{id: id, head: `["` + id + `"`, members: members}
}

// shapeOf is the shape of an image, nil for a document of another form than appendImage gives.
func shapeOf(workspace string, doc []byte) *imageShape {
	var members []string
	at, sep := 0, byte('{')
	for ; ; sep = ',' {
		if at+1 >= len(doc) || doc[at] != sep || doc[at+1] != '"' {
			return nil
		}
		from := at + 1
		end := endOfValue(doc, from)
		if end < 0 || end >= len(doc) || doc[end] != ':' || bytes.IndexByte(doc[from:end], '\n') >= 0 {
			return nil
		}
		members = append(members, string(doc[from:end+1]))
		if at = endOfValue(doc, end+1); at < 0 {
			return nil
		}
		if doc[at] == '}' {
			if at+1 != len(doc) {
				return nil
			}
			return newShape(workspace, members)
		}
	}
}

// compact appends an image without its members; ok is false for one of another shape.
func (s *imageShape) compact(dst, doc []byte) (out []byte, ok bool) {
	start := len(dst)
	dst = append(dst, s.head...)
	at := 0
	for i, m := range s.members {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		if at >= len(doc) || doc[at] != sep || len(doc)-at-1 < len(m) || string(doc[at+1:at+1+len(m)]) != m {
			return dst[:start], false
		}
		from := at + 1 + len(m)
		if at = endOfValue(doc, from); at < 0 {
			return dst[:start], false
		}
		dst = append(append(dst, ','), doc[from:at]...)
	}
	if at+1 != len(doc) || doc[at] != '}' {
		return dst[:start], false
	}
	return append(dst, ']'), true
}

// expand is the object that compact was given, nil for what it did not make of one.
func (s *imageShape) expand(doc []byte) []byte {
	size := len(doc)
	for _, m := range s.members {
		size += len(m)
	}
	out := make([]byte, 0, size)
	at := len(s.head)
	for i, m := range s.members {
		if at < 0 || at >= len(doc) || doc[at] != ',' {
			return nil
		}
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		from := at + 1
		at = endOfValue(doc, from)
		if at < 0 {
			return nil
		}
		out = append(append(append(out, sep), m...), doc[from:at]...)
	}
	if at+1 != len(doc) || doc[at] != ']' {
		return nil
	}
	return append(out, '}')
}

// shapeID is the id of the shape that a stored document names, empty for one that is stored as it is.
func shapeID(doc string) string {
	const before, after = len(`["`), len(`["shp_`) + shapeDigits
	if len(doc) <= after || !strings.HasPrefix(doc, `["shp_`) || doc[after] != '"' {
		return ""
	}
	return doc[before:after]
}

// endOfValue is where the JSON value that begins at a place ends: the place behind it, which exists. It is -1 when the document ends
// before. Documents are our own: nothing else is looked at.
func endOfValue(doc []byte, at int) int {
	depth := 0
	for at < len(doc) {
		switch doc[at] {
		case '"':
			for at++; ; at++ {
				n := bytes.IndexByte(doc[at:], '"')
				if n < 0 {
					return -1
				}
				at += n
				escapes := 0
				for doc[at-1-escapes] == '\\' {
					escapes++
				}
				if escapes%2 == 0 {
					break
				}
			}
			if at++; depth == 0 {
				return inside(doc, at)
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			if depth--; depth == 0 {
				return inside(doc, at+1)
			}
		case ',':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return -1
}

func inside(doc []byte, at int) int {
	if at >= len(doc) {
		return -1
	}
	return at
}

// storedImages are the images of entries as they are stored. The zero value stores them as they are.
type storedImages struct {
	text string // of all that have a shape, one behind the other
	ends []int  // in text, of the images before and after of each entry; equal to the end before where there is none in text
}

// imagesOf stores those of many entries without the names of members. Those of a few stay whole: their shape would be a statement more.
func (u *unit) imagesOf(entries []audit.Entry, many bool) (im storedImages, err error) {
	if !many {
		return im, nil
	}
	var packed []byte
	im.ends = make([]int, 0, 2*len(entries))
	for i := range entries {
		e := &entries[i]
		for _, doc := range [...][]byte{e.Before, e.After} {
			if len(doc) >= leastImage && e.ResourceType == "row" {
				if packed, err = u.pack(packed, e, doc); err != nil {
					return im, err
				}
			}
			im.ends = append(im.ends, len(packed))
		}
		if i == 0 {
			packed = slices.Grow(packed, len(packed)*len(entries)*9/8)
		}
	}
	im.text = string(packed)
	return im, nil
}

// of are the documents of the entry of a number.
func (im *storedImages) of(e *audit.Entry, i int) (before, after lqp.Value) {
	if im.ends == nil {
		return argImage(e.Before), argImage(e.After)
	}
	start := 0
	if i > 0 {
		start = im.ends[2*i-1]
	}
	return im.one(e.Before, start, im.ends[2*i]), im.one(e.After, im.ends[2*i], im.ends[2*i+1])
}

func (im *storedImages) one(doc []byte, from, to int) lqp.Value {
	if from == to {
		return argImage(doc)
	}
	return lqp.KnownJSON(im.text[from:to])
}

// pack appends the image of a row in a shape, or nothing if it has a form that no shape has.
func (u *unit) pack(packed []byte, e *audit.Entry, doc []byte) ([]byte, error) {
	if s := u.shapes[e.Table]; s != nil {
		if out, ok := s.compact(packed, doc); ok {
			return out, nil
		}
	}
	s := shapeOf(e.Workspace, doc)
	if s == nil {
		return packed, nil
	}
	if _, err := u.exec(`INSERT INTO lt_shape (id, workspace, members) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, argText(s.id),
		argText(e.Workspace), argText(strings.Join(s.members, "\n"))); err != nil {
		return packed, fmt.Errorf("note the shape of images: %w", err)
	}
	if u.shapes == nil {
		u.shapes = make(map[string]*imageShape, 1)
	}
	u.shapes[e.Table] = s
	packed, _ = s.compact(packed, doc)
	return packed, nil
}

// shapeBook remembers shapes that were read. A shape never changes: its id is worked out from it.
type shapeBook struct {
	mu    sync.Mutex
	known map[string]*imageShape
}

// maxShapes bounds the memory of a book. A shape has a kilobyte or so.
const maxShapes = 10_000

// readShapes are those that were read of any database.
var readShapes shapeBook

// find answers a shape by its id, nil when there is none or it is not what its id says.
func (b *shapeBook) find(s session, id string) (*imageShape, error) {
	b.mu.Lock()
	shape := b.known[id]
	b.mu.Unlock()
	if shape != nil {
		return shape, nil
	}
	shape, _, err := one(s, func(r record) *imageShape { return newShape(r.text(0), strings.Split(r.text(1), "\n")) },
		`SELECT workspace, members FROM lt_shape WHERE id = ?`, argText(id))
	if err != nil || shape == nil || shape.id != id {
		return nil, err
	}
	b.keep(shape)
	return shape, nil
}

// learn reads the shapes of a workspace, for a reader of many entries: one that comes across a shape it does not know has its result put
// aside while it is looked up.
func (b *shapeBook) learn(s session, workspace string) error {
	list, err := all(s, func(r record) *imageShape { return newShape(workspace, strings.Split(r.text(0), "\n")) },
		`SELECT members FROM lt_shape WHERE workspace = ? LIMIT ?`, argText(workspace), argInt(maxShapes))
	if err != nil {
		return err
	}
	for _, shape := range list {
		b.keep(shape)
	}
	return nil
}

func (b *shapeBook) keep(shape *imageShape) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || len(b.known) >= maxShapes {
		b.known = make(map[string]*imageShape)
	}
	b.known[shape.id] = shape
}

// whole is the object of a stored image, or the document as it is when it is of no shape that is there.
func (b *shapeBook) whole(s session, doc []byte) ([]byte, error) {
	id := shapeID(string(doc[:min(len(doc), len(`["shp_",`)+shapeDigits)]))
	if id == "" {
		return doc, nil
	}
	shape, err := b.find(s, id)
	if err != nil || shape == nil {
		return doc, err
	}
	if out := shape.expand(doc); out != nil {
		return out, nil
	}
	return doc, nil
}
