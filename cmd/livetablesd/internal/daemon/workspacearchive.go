package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/minidb"
)

// archiveConfig are the settings that exporting and importing a workspace have in common.
type archiveConfig struct {
	KeysConfig
	Attachments Attachments `embed:""`
}

// ExportWorkspaceConfig are the settings of the export of a workspace.
type ExportWorkspaceConfig struct {
	archiveConfig
	Workspace string `required:"" placeholder:"ID" help:"The workspace."`
	File      string `arg:"" type:"path" help:"The archive, which must not be there yet."`
}

// ImportWorkspaceConfig are the settings of the import of a workspace.
type ImportWorkspaceConfig struct {
	archiveConfig
	Owner string `required:"" placeholder:"ID" help:"Id of the account (usr_...) that becomes its owner and, at first, its only member."`
	File  string `arg:"" type:"existingfile" help:"The archive."`
}

// open opens the data directory with an engine that has the attachments.
func (c *archiveConfig) open(ctx context.Context) (*offline, error) {
	if err := c.Attachments.check(); err != nil {
		return nil, err
	}
	o, err := openOffline(ctx, &c.KeysConfig, false)
	if err != nil {
		return nil, err
	}
	blobs, end, err := c.Attachments.open(ctx, c.DataDir)
	if err == nil {
		o.close = append(o.close, end)
		o.engine, err = livetables.New(livetables.Options{Store: o.db, Blobs: blobs,
			Limits: livetables.Limits{WorkspaceFiles: unlimited(c.Attachments.WorkspaceSize)}})
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	o.close = append(o.close, o.engine.Close)
	return o, nil
}

// hasAccount demands an account of an id: a workspace whose owner is nobody could be opened by nobody.
func (c *archiveConfig) hasAccount(ctx context.Context, id string) (err error) {
	if !c.Database.used() { // opening a file that is not there would make it
		if there, err := exists(filepath.Join(c.DataDir, partAccounts)); err != nil || !there {
			return errors.Join(fmt.Errorf("%s has no %s, so there is no account %s", c.DataDir, partAccounts, id), err)
		}
	}
	store, err := openStore(ctx, c.DataDir, &c.Database, partAccounts, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	there, err := auth.HasAccount(ctx, store, id)
	if err == nil && !there {
		err = fmt.Errorf("there is no account %s here; GET /api/v1/auth/me tells people the id of theirs", id)
	}
	return err
}

// unlimited is a limit as the engine takes it, of one whose 0 is none.
func unlimited(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// ExportWorkspace writes a workspace of a data directory into an archive. A file that is not whole is removed.
func ExportWorkspace(ctx context.Context, c ExportWorkspaceConfig, out io.Writer) (err error) {
	o, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	archive, err := o.engine.ExportWorkspace(ctx, c.Workspace)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	file, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = archive.WriteTo(ctx, file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	say(out, "workspace %s: %d bytes in %s", c.Workspace, archive.Size(), c.File)
	return nil
}

// ImportWorkspace makes the workspace of an archive in a data directory, all or nothing.
func ImportWorkspace(ctx context.Context, c ImportWorkspaceConfig, out io.Writer) (err error) {
	if !minidb.ValidID(c.Owner, "usr") {
		return fmt.Errorf("--owner %q is no id of an account", c.Owner)
	}
	o, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if err := c.hasAccount(ctx, c.Owner); err != nil {
		return fmt.Errorf("--owner: %w", err)
	}
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	w, err := o.engine.ImportWorkspace(ctx, c.Owner, file, info.Size())
	if err != nil {
		return err
	}
	say(out, "workspace %s %q is here; %s owns it", w.ID, w.Name, c.Owner)
	return nil
}
