package livetables

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// errNoBlobs refuses attachment columns and their files where Options.Blobs is nil.
var errNoBlobs = fmt.Errorf("attachments: this installation has no place for files: %w", adapter.ErrUnsupported)

// Upload is a file for a column of attachments.
type Upload struct {
	Table, Column string // ids
	// Name is the file's own name. It is cleaned (minidb.CleanFileName), and never part of a path.
	Name string
	// Size is how many bytes Content delivers, exactly.
	Size    int64
	Content io.Reader
}

// MayUpload reports why the principal cannot upload a file to a column, nil when it can: it may write rows of the table and that
// column, and there is a place for files.
func (a *Access) MayUpload(ctx context.Context, table, column string) error {
	_, _, err := a.uploadPlace(ctx, table, column)
	return err
}

// uploadPlace enters the workspace of a table to upload a file to one of its columns.
func (a *Access) uploadPlace(ctx context.Context, table, column string) (*entry, *minidb.Table, error) {
	s, err := a.at(ctx, table, rbac.WriteRows)
	if err != nil {
		return nil, nil, err
	}
	t, _, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := t.Column(column); !ok {
		return nil, nil, fmt.Errorf("column %s: %w", column, ErrNotFound)
	}
	if _, _, err := s.column(ctx, column); err != nil {
		return nil, nil, err
	}
	if c, _ := t.Column(column); c.Type != minidb.AttachmentColumn {
		return nil, nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: column, Code: minidb.CodeType, Message: "the column has no files"}}}
	}
	if a.e.blobs == nil {
		return nil, nil, errNoBlobs
	}
	return s, t, nil
}

// sniffed is how much of a content tells its media type.
const sniffed = 512

// Upload stores a file for a column of attachments. The file's id can then be written into cells of the column; until then it
// is the principal's alone, and is removed after a day. The right to write is asked before the content is read and after.
//
// A file that is too large, or for which the workspace has no room, is a *minidb.LimitError; one of a media type that the
// column does not take a *minidb.ValidationError.
func (a *Access) Upload(ctx context.Context, up Upload) (*minidb.Attachment, error) {
	s, t, err := a.uploadPlace(ctx, up.Table, up.Column)
	if err != nil {
		return nil, err
	}
	limits := &a.e.limits
	if up.Size < 0 || up.Size > limits.AttachmentBytes {
		return nil, &minidb.LimitError{Name: "file_bytes", Max: int(limits.AttachmentBytes)}
	}
	if err := a.e.store.FileRoom(ctx, s.Workspace.ID, up.Size, limits.WorkspaceFiles); err != nil {
		return nil, err
	}
	head := make([]byte, min(sniffed, up.Size))
	if _, err := io.ReadFull(up.Content, head); err != nil {
		return nil, fmt.Errorf("read upload: %w", err)
	}
	file := minidb.NewAttachment(t, up.Column)
	file.Name, file.Size = minidb.CleanFileName(up.Name), up.Size
	file.Type = mediaType(http.DetectContentType(head), file.Name)
	if c, _ := t.Column(up.Column); !c.Accepts(file.Type) {
		return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: up.Column, Code: minidb.CodeAttachment,
			Message: fmt.Sprintf("%q does not take files of the type %s", c.Name, file.Type)}}}
	}
	sum := sha256.New()
	content := io.TeeReader(io.MultiReader(bytes.NewReader(head), up.Content), sum)
	// First the content, then the record: a record never leads to nothing. A content without a record is swept.
	if err := a.e.blobs.Put(ctx, file.BlobKey(), content, up.Size); err != nil {
		return nil, fmt.Errorf("store upload: %w", err)
	}
	file.SHA256 = hex.EncodeToString(sum.Sum(nil))
	_, err = again(func() (struct{}, error) {
		s, _, err := a.uploadPlace(ctx, up.Table, up.Column)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, a.e.store.AddAttachment(ctx, a.granted(s), file, limits.WorkspaceFiles)
	})
	if err != nil {
		if !errors.Is(err, adapter.ErrUncertain) {
			a.e.discardBlob(ctx, file.BlobKey())
		}
		return nil, err
	}
	return file, nil
}

// discardTime is how long removing one blob may take after the request that stored it has failed.
const discardTime = 10 * time.Second

// discardBlob removes the content of a file that has got no record. What fails is swept later.
func (e *Engine) discardBlob(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
	defer cancel()
	if err := e.blobs.Delete(ctx, key); err != nil {
		e.log.WarnContext(ctx, "the content of a refused upload is left for a later sweep", "key", key, "error", err)
	}
}

// filesIn are the columns of attachments among those of a table whose cells the principal sees as they are.
func filesIn(t *minidb.Table, seen *rewrite.Sight) (ids []string) {
	if !seen.Shows(minidb.ColumnID) {
		return nil
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Type == minidb.AttachmentColumn && seen.Table().Column(c.ID) != nil && seen.Shows(c.ID) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// Attachments describes the files in the rows of a table, by id, as far as the principal sees the rows and the columns now. At
// most LabelBatch rows can be asked for; of so many files at most the rest is left out, and complete is false.
func (a *Access) Attachments(ctx context.Context, table string, rows []string) (files map[string]minidb.Attachment, complete bool, err error) {
	if len(rows) > LabelBatch {
		return nil, false, &minidb.LimitError{Name: "rows whose files are asked for", Max: LabelBatch}
	}
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, false, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, false, err
	}
	columns := filesIn(t, seen)
	if len(columns) == 0 {
		return nil, true, nil
	}
	ids := make(map[string]bool)
	complete = true
	for chunk := range slices.Chunk(rows, labelChunk) {
		err := s.eachFile(ctx, table, chunk, columns, func(_ int, id string) {
			if !ids[id] && len(ids) == LabelBatch {
				complete = false
				return
			}
			ids[id] = true
		})
		if err != nil {
			return nil, false, fmt.Errorf("attachments of %s: %w", table, err)
		}
	}
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	slices.Sort(list)
	files, err = a.e.store.Attachments(ctx, s.Workspace.ID, list)
	return files, complete, err
}

// eachFile calls f with the files in columns of rows, as the principal sees them.
func (s *entry) eachFile(ctx context.Context, table string, rows, columns []string, f func(column int, id string)) error {
	ids := make([]*lqp.Lit, len(rows))
	for i, id := range rows {
		ids[i] = lqp.Literal(lqp.TextValue(id))
	}
	q := &lqp.Query{From: lqp.Source{Table: table, Alias: "t"}, Page: lqp.Page{Limit: len(rows)},
		Where: lqp.NewCall("in", lqp.Ref("t", minidb.ColumnID), lqp.NewList(ids...))}
	for _, c := range columns {
		q.Select = append(q.Select, lqp.Named{Name: c, Expr: lqp.Ref("t", c)})
	}
	found, err := s.query(ctx, q)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		for i := range columns {
			for _, item := range found.Value(i).Items() {
				f(i, item.Text())
			}
		}
	}
	return found.Err()
}

// OpenAttachment opens a file that a cell has, for a principal that sees the row and the column now. The caller closes it.
// Whatever else keeps the file from the principal, the answer is ErrNotFound.
func (a *Access) OpenAttachment(ctx context.Context, table, row, column, id string) (*AttachmentFile, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	missing := fmt.Errorf("attachment: %w", ErrNotFound)
	if !slices.Contains(filesIn(t, seen), column) {
		return nil, missing
	}
	there := false
	if err := s.eachFile(ctx, table, []string{row}, []string{column}, func(_ int, found string) { there = there || found == id }); err != nil {
		return nil, err
	}
	if !there {
		return nil, missing
	}
	found, err := a.e.store.Attachments(ctx, s.Workspace.ID, []string{id})
	if err != nil {
		return nil, err
	}
	file, ok := found[id]
	if !ok || file.Table != t.ID || file.Column != column {
		return nil, missing
	}
	if a.e.blobs == nil {
		return nil, errNoBlobs
	}
	f := &AttachmentFile{Attachment: file, ctx: ctx, blobs: a.e.blobs}
	return f, f.look()
}
