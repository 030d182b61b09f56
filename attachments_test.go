package livetables_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
	"github.com/livetables/livetables/minidb/blob/s3"
	"github.com/livetables/livetables/rbac"
)

// fileWorld is a world with a place for files and a table with a column of them.
type fileWorld struct {
	*world
	blobs   blob.Store
	engine  *livetables.Engine // with blobs, on the world's store
	as      func(user string) *livetables.Access
	papers  *minidb.Table
	elapsed time.Duration // of the engine's clock
}

func newFileWorld(t *testing.T, blobs blob.Store, limits livetables.Limits) *fileWorld {
	t.Helper()
	w := &fileWorld{world: newWorld(t), blobs: blobs}
	var err error
	w.engine, err = livetables.New(livetables.Options{Store: w.db, Blobs: blobs, Logger: slog.New(slog.DiscardHandler), Limits: limits,
		Clock: func() time.Time { return time.Now().Add(w.elapsed) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.engine.Close()) })
	w.as = func(user string) *livetables.Access { return w.engine.As(rbac.Principal{ID: user}) }
	w.papers, err = w.as("owner").CreateTable(t.Context(), w.base, minidb.TableSpec{Name: "Papers", Columns: []minidb.ColumnSpec{
		{Name: "Name", Type: minidb.TextColumn}, {Name: "Files", Type: minidb.AttachmentColumn}}})
	require.NoError(t, err)
	return w
}

func (w *fileWorld) upload(user, name, content string) (*minidb.Attachment, error) {
	return w.as(user).Upload(w.t.Context(), livetables.Upload{Table: w.papers.ID, Column: w.papers.Columns[1].ID, Name: name,
		Size: int64(len(content)), Content: strings.NewReader(content)})
}

// keep makes a row with a file and answers its id.
func (w *fileWorld) keep(user, id string) string {
	w.t.Helper()
	r, err := w.as(user).Apply(w.t.Context(), w.workspace, &lqp.Mutation{Op: lqp.Insert, Table: w.papers.ID, Rows: []lqp.RowChange{
		{Set: []lqp.Assignment{{Column: "Files", Value: cellOf(id)}}}}})
	require.NoError(w.t, err)
	return r[0].Rows[0].ID
}

func (w *fileWorld) keys() []string {
	w.t.Helper()
	keys, err := w.blobs.List(w.t.Context(), "", "", 100)
	require.NoError(w.t, err)
	return keys
}

func bucket(t *testing.T) blob.Store {
	u, err := url.Parse(testenv.S3(t))
	require.NoError(t, err)
	secret, _ := u.User.Password()
	store, err := s3.Open(t.Context(), s3.Options{Endpoint: u.Scheme + "://" + u.Host, Region: "us-east-1", Bucket: strings.Trim(u.Path, "/"),
		AccessKey: u.User.Username(), SecretKey: secret, Prefix: "tests"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func directory(t *testing.T) blob.Store {
	dir, err := blob.OpenDir(filepath.Join(t.TempDir(), "blobs"))
	require.NoError(t, err)
	return dir
}

// TestAttachmentsOnEveryStore uploads, attaches, reads in pieces, lets a day go by, deletes the table and looks for what is left.
func TestAttachmentsOnEveryStore(t *testing.T) {
	for name, open := range map[string]func(*testing.T) blob.Store{"directory": directory, "bucket": bucket} {
		t.Run(name, func(t *testing.T) {
			w := newFileWorld(t, open(t), livetables.Limits{})
			content := strings.Repeat("0123456789", 10_000)
			a, err := w.upload("editor", "a.txt", content)
			require.NoError(t, err)
			_, err = w.upload("editor", "loose.txt", "never attached")
			require.NoError(t, err)
			row := w.keep("editor", a.ID)
			f, err := w.as("viewer").OpenAttachment(t.Context(), w.papers.ID, row, a.Column, a.ID)
			require.NoError(t, err)
			all, err := io.ReadAll(f)
			require.NoError(t, err)
			require.Equal(t, content, string(all))
			_, err = f.Seek(-3, io.SeekEnd)
			require.NoError(t, err)
			end, err := io.ReadAll(f)
			require.NoError(t, err)
			require.Equal(t, "789", string(end))
			_, err = f.Seek(-1, io.SeekStart)
			require.Error(t, err)
			require.NoError(t, f.Close())

			files, complete, err := w.as("viewer").Attachments(t.Context(), w.papers.ID, []string{row, minidb.NewID("row")})
			require.NoError(t, err)
			require.True(t, complete)
			require.Len(t, files, 1)

			require.Len(t, w.keys(), 2)
			require.NoError(t, w.engine.PurgeAttachments(t.Context()))
			require.Len(t, w.keys(), 2, "a day has not gone by")
			w.elapsed = 25 * time.Hour
			require.NoError(t, w.engine.PurgeAttachments(t.Context()))
			require.Equal(t, []string{a.BlobKey()}, w.keys())

			require.NoError(t, w.blobs.Delete(t.Context(), a.BlobKey()))
			_, err = w.as("viewer").OpenAttachment(t.Context(), w.papers.ID, row, a.Column, a.ID)
			require.ErrorIs(t, err, blob.ErrNotFound, "a content that the operator has lost is said before anything is sent")
			require.NoError(t, w.blobs.Put(t.Context(), a.BlobKey(), strings.NewReader(content), int64(len(content))))

			require.NoError(t, w.as("owner").DeleteTable(t.Context(), w.papers.ID, 0))
			trash, err := w.as("owner").Trash(t.Context(), w.workspace)
			require.NoError(t, err)
			require.NoError(t, w.as("owner").DeleteForever(t.Context(), trash[0].ID))
			require.NoError(t, w.engine.PurgeAttachments(t.Context()))
			require.Empty(t, w.keys())
		})
	}
}

// crashing is a blob store that loses its process after the content of an upload is stored.
type crashing struct{ blob.Store }

var errCrash = errors.New("crash")

func (c crashing) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := c.Store.Put(ctx, key, r, size); err != nil {
		return err
	}
	panic(errCrash)
}

// TestCrashBetweenContentAndRecord leaves contents without a record: they are nobody's, and go when they are a day old.
func TestCrashBetweenContentAndRecord(t *testing.T) {
	store := directory(t)
	w := newFileWorld(t, crashing{store}, livetables.Limits{})
	require.PanicsWithValue(t, errCrash, func() { _, _ = w.upload("editor", "a", "content") })
	require.Len(t, w.keys(), 1)
	require.NoError(t, w.engine.SweepBlobs(t.Context()))
	require.Len(t, w.keys(), 1, "the upload may go on elsewhere")
	old := w.workspace + "/att_" + strings.Repeat("0", 26)
	foreign := "others/file"
	for _, key := range []string{old, foreign} {
		require.NoError(t, store.Put(t.Context(), key, strings.NewReader("x"), 1))
	}
	require.NoError(t, w.engine.SweepBlobs(t.Context()))
	keys := w.keys()
	require.Len(t, keys, 2)
	require.NotContains(t, keys, old)
}

// TestRefusedUploadsLeaveNothing: too large, no room, another right by the time it is stored, a content that is shorter than said.
func TestRefusedUploadsLeaveNothing(t *testing.T) {
	w := newFileWorld(t, directory(t), livetables.Limits{AttachmentBytes: 100, WorkspaceFiles: 150})
	_, err := w.upload("editor", "a", strings.Repeat("x", 101))
	require.ErrorIs(t, err, minidb.ErrLimit)
	_, err = w.upload("editor", "a", strings.Repeat("x", 100))
	require.NoError(t, err)
	_, err = w.upload("editor", "b", strings.Repeat("x", 51))
	require.ErrorIs(t, err, minidb.ErrLimit)
	_, err = w.upload("viewer", "b", "x")
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.upload("stranger", "b", "x")
	require.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = w.as("editor").Upload(t.Context(), livetables.Upload{Table: w.papers.ID, Column: w.papers.Columns[1].ID, Size: 9, Content: strings.NewReader("short")})
	require.Error(t, err)
	revoking := &revokingReader{w: w, Reader: strings.NewReader("0123456789")}
	_, err = w.as("editor").Upload(t.Context(), livetables.Upload{Table: w.papers.ID, Column: w.papers.Columns[1].ID, Size: 10, Content: revoking})
	require.ErrorIs(t, err, livetables.ErrForbidden, "a right that was revoked meanwhile is not used")
	require.Len(t, w.keys(), 1)

	// Without a place for files there is no such column.
	_, err = w.world.owner.AddColumn(t.Context(), w.papers.ID, minidb.ColumnSpec{Name: "F", Type: minidb.AttachmentColumn}, 0)
	require.ErrorContains(t, err, "no place for files")
	_, err = w.world.owner.CreateTable(t.Context(), w.base, minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "F", Type: minidb.AttachmentColumn}}})
	require.ErrorContains(t, err, "no place for files")
}

// revokingReader takes the right to write away while it is read.
type revokingReader struct {
	w *fileWorld
	*strings.Reader
}

func (r *revokingReader) Read(p []byte) (int, error) {
	if _, err := r.w.as("owner").SetMember(r.w.t.Context(), r.w.workspace, "editor", rbac.Viewer); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
