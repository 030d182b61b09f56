package minidb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
)

// AttachmentColumn is the type of columns whose cells are lists of the ids of files, in the order in which they were given,
// each at most once. The files are uploaded first; an id that was not is no value of the column.
const AttachmentColumn ColumnType = "attachment"

// MaxAttachments is how many files one cell of an attachment column has at most.
const MaxAttachments = 100

// CodeAttachment says that a cell names a file that cannot be attached by the writer: it is not there, belongs to another column,
// or somebody else has uploaded it and not attached it yet.
const CodeAttachment = "attachment"

const (
	prefixAttachment = "att"
	maxAccepted      = 50 // media types of an attachment column
)

// Attachment is a file of an attachment column without its content. Values of it must not be changed.
type Attachment struct {
	ID, Workspace, Table, Column string
	// Name is the file's name as it was uploaded, without a path and without characters that do not show. It is for people: no
	// file is stored or found by it.
	Name string
	// Type is the media type as found in the content, never what a client said it is.
	Type   string
	Size   int64  // bytes
	SHA256 string // of the content, in hexadecimal digits
	// CreatedBy is who uploaded the file, at CreatedAt.
	CreatedBy string
	CreatedAt time.Time
	// Attached says that it has been in a cell, perhaps of a row that is gone.
	Attached bool

	blob string
}

// BlobKey is the key of the content in the blob store.
func (a *Attachment) BlobKey() string { return a.Workspace + "/" + a.blob }

// NewAttachment is a file that is about to be uploaded to a column, with an id and the key for its content; AddAttachment
// completes it.
func NewAttachment(t *Table, column string) *Attachment {
	id := NewID(prefixAttachment)
	return &Attachment{ID: id, Workspace: t.Workspace, Table: t.ID, Column: column, blob: id}
}

const attachmentColumns = `id, workspace, table_id, column_id, blob, name, media_type, size, sha256, created_by, created_at, state`

// The states of an attachment.
const (
	fileLoose    = 0
	fileAttached = 1
	fileDoomed   = 2
)

// scanAttachment reads attachmentColumns.
func scanAttachment(r record) Attachment {
	return Attachment{ID: r.text(0), Workspace: r.text(1), Table: r.text(2), Column: r.text(3), blob: r.text(4), Name: r.text(5), Type: r.text(6),
		Size: r.integer(7), SHA256: r.text(8), CreatedBy: r.text(9), CreatedAt: r.instant(10), Attached: r.integer(11) == fileAttached}
}

// checkAttachment checks the settings of an attachment column.
func (c *Column) checkAttachment() error {
	o := &c.Options
	switch {
	case c.Type != AttachmentColumn && (o.MaxFiles != 0 || len(o.Accept) != 0):
		return invalid("options", CodeOption, "a %s column has neither max_files nor accept", c.Type)
	case c.Type != AttachmentColumn:
		return nil
	case o.MaxFiles < 0 || o.MaxFiles > MaxAttachments:
		return invalid("options", CodeOption, "max_files is 1 to %d, or 0 for that", MaxAttachments)
	case len(o.Accept) > maxAccepted:
		return invalid("options", CodeOption, "accept has at most %d media types", maxAccepted)
	case !c.Default.IsNull():
		return invalid("default", CodeOption, "an attachment column has no default")
	}
	for _, pattern := range o.Accept {
		if !mediaPattern(pattern) {
			return invalid("options", CodeOption, `accept lists media types such as "image/*" and "application/pdf", not %s`, strconv.Quote(cleanText(pattern, maxLook)))
		}
	}
	return nil
}

// mediaPattern reports whether a text is a media type in lower case, or all of a kind.
func mediaPattern(text string) bool {
	kind, sub, ok := strings.Cut(text, "/")
	word := func(s string) bool {
		return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-+.", r)
		})
	}
	return ok && len(text) <= maxName && word(kind) && (sub == "*" || word(sub))
}

// Accepts reports whether files of a media type may be uploaded to the column. Parameters of the type do not count.
func (c *Column) Accepts(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	kind, _, _ := strings.Cut(mediaType, "/")
	return len(c.Options.Accept) == 0 || slices.Contains(c.Options.Accept, mediaType) || slices.Contains(c.Options.Accept, kind+"/*")
}

// maxFiles is how many files a cell has at most.
func (c *Column) maxFiles() int {
	if c.Options.MaxFiles == 0 {
		return MaxAttachments
	}
	return c.Options.MaxFiles
}

// conformFiles is conform for the cells of an attachment column. Whether the files are there is found out in the transaction.
func (c *Column) conformFiles(v lqp.Value) (_ lqp.Value, code, message string) {
	items := v.Items()
	var ids []string
	for _, item := range items {
		id := item.Text()
		if item.Kind() != lqp.Text || !ValidID(id, prefixAttachment) {
			return v, CodeAttachment, c.noFile(id)
		}
		if slices.Contains(ids, id) {
			continue
		}
		if len(ids) == c.maxFiles() {
			return v, CodeTooLong, fmt.Sprintf("a cell of %q has at most %d files", c.Name, c.maxFiles())
		}
		ids = append(ids, id)
	}
	if len(ids) < len(items) {
		v = linkValue(ids)
	}
	return v, "", ""
}

// noFile is what is said of a file that does not exist and of one that is not the writer's to attach alike.
func (c *Column) noFile(id string) string {
	return fmt.Sprintf("%q: there is no file %s to attach", c.Name, strconv.Quote(cleanText(id, maxName)))
}
