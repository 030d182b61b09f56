package livetables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// AttachmentFile is a file that was opened with [Access.OpenAttachment]. It reads from the blob store as it is read, from where
// it was last sought to. It is used by one goroutine, within the context it was opened with.
type AttachmentFile struct {
	minidb.Attachment
	ctx   context.Context // of the request that reads
	blobs blob.Store
	at    int64
	body  io.ReadCloser // from at on; nil before the first Read after a Seek
}

var _ io.ReadSeekCloser = (*AttachmentFile)(nil)

// look finds out whether the content can be read at all, before anything is said of it.
func (f *AttachmentFile) look() error {
	body, err := f.blobs.Open(f.ctx, f.BlobKey(), 0, 0)
	if err != nil {
		return fmt.Errorf("open attachment: %w", err)
	}
	return body.Close()
}

// Read implements io.Reader. A content that is shorter than its record says is io.ErrUnexpectedEOF.
func (f *AttachmentFile) Read(p []byte) (n int, err error) {
	if f.at >= f.Size {
		return 0, io.EOF
	}
	if f.body == nil {
		if f.body, err = f.blobs.Open(f.ctx, f.BlobKey(), f.at, -1); err != nil {
			return 0, fmt.Errorf("open attachment: %w", err)
		}
	}
	n, err = f.body.Read(p[:min(int64(len(p)), f.Size-f.at)])
	f.at += int64(n)
	if errors.Is(err, io.EOF) && f.at < f.Size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek implements io.Seeker. It reads nothing.
func (f *AttachmentFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning of an attachment")
	}
	if offset == f.at {
		return offset, nil
	}
	err := f.Close()
	f.at = offset
	return offset, err
}

// Close implements io.Closer. Closing twice is harmless.
func (f *AttachmentFile) Close() error {
	if f.body == nil {
		return nil
	}
	err := f.body.Close()
	f.body = nil
	return err
}

// namedTypes are the media types of what a content alone does not tell apart, by what it tells and the ending of the name.
// None of them is one that a browser runs.
var namedTypes = map[string]map[string]string{
	"text/plain": {".csv": "text/csv", ".tsv": "text/tab-separated-values", ".md": "text/markdown", ".json": "application/json"},
	"application/zip": {
		".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		".odt":  "application/vnd.oasis.opendocument.text",
		".ods":  "application/vnd.oasis.opendocument.spreadsheet",
		".odp":  "application/vnd.oasis.opendocument.presentation",
	},
}

// mediaType is the media type of a file without parameters: what its content was found to be, made more exact by the ending of
// its name where that is harmless.
func mediaType(detected, name string) string {
	detected, _, _ = strings.Cut(detected, ";")
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		if exact, ok := namedTypes[detected][strings.ToLower(name[dot:])]; ok {
			return exact
		}
	}
	return detected
}
