package livetables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// archivesAtOnce is how many exports and imports of whole workspaces an engine does at a time: each of them has a temporary
// file, and writers wait for the end of an import.
const archivesAtOnce = 2

// archiveAsks is after how many bytes of an archive the right to it is asked for again.
const archiveAsks = 4 << 20

// archives counts the exports and imports that are under way.
type archives struct{ open atomic.Int32 }

func (a *archives) begin() error {
	if a.open.Add(1) > archivesAtOnce {
		a.open.Add(-1)
		return ErrTooManyJobs
	}
	return nil
}

func (a *archives) end() { a.open.Add(-1) }

// WorkspaceArchive is a whole workspace as it was at one moment, ready to be written once. It must be closed; it is used by
// one goroutine.
type WorkspaceArchive struct {
	export  *minidb.WorkspaceExport
	allowed func(context.Context) error
	closed  func()
}

// Size is the size of the archive in bytes.
func (w *WorkspaceArchive) Size() int64 { return w.export.Size() }

// WriteTo writes the archive. It ends with ErrRevoked, after a part, when the principal loses the right to it, and with an error
// when the content of an attachment is not the one that was uploaded.
func (w *WorkspaceArchive) WriteTo(ctx context.Context, to io.Writer) error {
	if w.allowed == nil {
		return w.export.WriteTo(ctx, to)
	}
	return w.export.WriteTo(ctx, &askingWriter{ctx: ctx, to: to, allowed: w.allowed})
}

// Close removes the temporary file of the archive. Closing twice is harmless.
func (w *WorkspaceArchive) Close() error {
	if w.closed == nil {
		return nil
	}
	w.closed()
	w.closed = nil
	return w.export.Close()
}

// askingWriter asks now and then whether it may go on.
type askingWriter struct {
	ctx     context.Context //nolint:containedctx // it lives as long as the call that has the context
	to      io.Writer
	allowed func(context.Context) error
	since   int
}

// Write implements io.Writer.
func (w *askingWriter) Write(b []byte) (int, error) {
	if w.since += len(b); w.since >= archiveAsks {
		w.since = 0
		if err := w.allowed(w.ctx); err != nil {
			return 0, err
		}
	}
	return w.to.Write(b)
}

// ExportWorkspace gathers a whole workspace, with its history, its trash and the contents of its attachments, from one
// consistent state; see [minidb.DB.ExportWorkspace] for what is in an archive and what is not. It is for owners alone, whom
// no rule binds: not for others whose role has the right to delete the workspace, and not for keys. ErrTooManyJobs says that
// others are at it.
func (a *Access) ExportWorkspace(ctx context.Context, workspace string) (*WorkspaceArchive, error) {
	if err := a.mayArchive(ctx, workspace); err != nil {
		return nil, err
	}
	w, err := a.e.exportWorkspace(ctx, a.actor(""), workspace)
	if err != nil {
		return nil, err
	}
	w.allowed = func(ctx context.Context) error {
		if err := a.mayArchive(ctx, workspace); err != nil {
			return errors.Join(ErrRevoked, err)
		}
		return nil
	}
	return w, nil
}

// mayArchive asks whether the principal may have the whole workspace.
func (a *Access) mayArchive(ctx context.Context, workspace string) error {
	s, err := a.enter(ctx, workspace, rbac.DeleteWorkspace)
	if err != nil {
		return err
	}
	if a.p.Scope != nil || s.policy.Role(s.p) != rbac.Owner {
		return fmt.Errorf("only owners export a workspace: %w", ErrForbidden)
	}
	return nil
}

// ImportWorkspace makes the workspace of an archive of so many bytes, with the ids that everything had, all or nothing. The
// principal becomes its only member; whoever may create workspaces may import one. See [minidb.DB.ImportWorkspace].
func (a *Access) ImportWorkspace(ctx context.Context, archive io.ReaderAt, size int64) (*minidb.Workspace, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	if a.p.View != "" || a.p.Scope != nil {
		return nil, ErrForbidden
	}
	return a.e.importWorkspace(ctx, a.actor(""), archive, size)
}

// ExportWorkspace is [Access.ExportWorkspace] for the operator of an installation. It asks no policy.
func (e *Engine) ExportWorkspace(ctx context.Context, workspace string) (*WorkspaceArchive, error) {
	return e.exportWorkspace(ctx, minidb.Actor{}, workspace)
}

// ImportWorkspace is [Access.ImportWorkspace] for the operator of an installation: owner, who must be somebody's id, becomes the
// only member. It asks no policy.
func (e *Engine) ImportWorkspace(ctx context.Context, owner string, archive io.ReaderAt, size int64) (*minidb.Workspace, error) {
	return e.importWorkspace(ctx, minidb.Actor{ID: owner}, archive, size)
}

func (e *Engine) exportWorkspace(ctx context.Context, actor minidb.Actor, workspace string) (*WorkspaceArchive, error) {
	if err := e.archives.begin(); err != nil {
		return nil, err
	}
	file, err := e.jobs.temporary()
	if err != nil {
		e.archives.end()
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	x, err := e.store.ExportWorkspace(ctx, actor, workspace, file, e.archiveBlobs())
	if err != nil {
		e.archives.end()
		return nil, err
	}
	return &WorkspaceArchive{export: x, closed: e.archives.end}, nil
}

func (e *Engine) importWorkspace(ctx context.Context, actor minidb.Actor, archive io.ReaderAt, size int64) (*minidb.Workspace, error) {
	if err := e.archives.begin(); err != nil {
		return nil, err
	}
	defer e.archives.end()
	return e.store.ImportWorkspace(ctx, actor, archive, size, e.archiveBlobs(),
		minidb.ArchiveLimits{Bytes: e.limits.ArchiveBytes, FileBytes: e.limits.WorkspaceFiles})
}

// archiveBlobs is the place of attachments, nil where there is none.
func (e *Engine) archiveBlobs() minidb.BlobStore {
	if e.blobs == nil {
		return nil
	}
	return e.blobs
}
