package minidb

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/bundle"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// ArchiveLimits bound what ImportWorkspace takes. The zero value is usable.
type ArchiveLimits struct {
	Bytes int64 // of the archive, default 16 GiB
	Lines int64 // rows, entries and all other records together, default 50 million
	// FileBytes are those of the attachments together, 0 for no limit of their own.
	FileBytes int64
}

func (l *ArchiveLimits) setDefaults() {
	if l.Bytes <= 0 {
		l.Bytes = 16 << 30
	}
	if l.Lines <= 0 {
		l.Lines = 50_000_000
	}
}

// ImportWorkspace makes the workspace of an archive, with the ids that everything had, all or nothing. The actor becomes its
// only member and owner. Nobody else has any right in it: members do not travel. The entries of its log are marked as imported, and
// tell nobody who consumes the log of this database that anything happened. Connections wait for their passwords
// (Connection.Waits).
//
// What is wrong with the archive is an *ArchiveError that names the place; ErrExists says that this database has something of
// one of its ids already, without saying whose. Nothing of an archive is trusted: formats, references, types, values, hashes
// and the chain of the log are checked, physical names are made here, and what is computed is computed here. The archive is
// read several times and must not change meanwhile.
//
// Contents of attachments are stored first; those of an import that fails are removed, and those of a process that dies
// belong to nobody (StrayBlobs). Everything else is one transaction, for whose end every writer waits.
func (db *DB) ImportWorkspace(ctx context.Context, actor Actor, archive io.ReaderAt, size int64, blobs BlobStore, limits ArchiveLimits) (*Workspace, error) {
	if err := checkUser(actor.ID); err != nil {
		return nil, fmt.Errorf("import workspace: owner: %w", err)
	}
	limits.setDefaults()
	in := &importing{blobs: blobs, limits: limits, keys: map[string]string{}}
	w, err := in.run(ctx, db, actor, archive, size)
	if err != nil {
		return nil, fmt.Errorf("import workspace: %w", err)
	}
	return w, nil
}

// importing is one import.
type importing struct {
	*unit
	r      *bundle.Reader
	about  aboutArchive
	blobs  BlobStore
	limits ArchiveLimits

	records   catalogueRecords
	tables    map[string]*wholeTable
	workspace Workspace
	ids       map[string]string // what has an id in the catalogue, and what it is: "table", "trashed table"
	files     map[string]string // keys of stored contents by hash
	keys      map[string]string // the same by key
	base      int64             // the last position before those of the import
}

func (in *importing) run(ctx context.Context, db *DB, actor Actor, archive io.ReaderAt, size int64) (*Workspace, error) {
	var err error
	in.r, err = bundle.Open(archive, size, archiveFormat, []int{archiveVersion}, bundle.Limits{Bytes: in.limits.Bytes, Lines: in.limits.Lines, Line: maxArchiveLine})
	if err != nil {
		return nil, err
	}
	if err := bundle.Canonical(in.r.About, &in.about); err != nil || !ValidID(in.about.Workspace, prefixWorkspace) {
		return nil, &ArchiveError{Entry: bundle.ManifestName, Reason: "it does not say what workspace it is of"}
	}
	if err := in.r.Verify(ctx); err != nil {
		return nil, err
	}
	if err := in.verifyLog(ctx); err != nil {
		return nil, err
	}
	if err := in.readCatalogue(ctx, db); err != nil {
		return nil, err
	}
	if err := db.read(ctx, "look for ids of the archive", func(s session) error { return in.free(s) }); err != nil {
		return nil, err
	}
	err = in.storeFiles(ctx)
	if err == nil {
		err = db.write(ctx, "import", actor, func(u *unit) error {
			in.unit = u
			return in.store()
		})
	}
	if err != nil {
		if !errors.Is(err, adapter.ErrUncertain) { // then the contents may belong to a workspace
			in.dropFiles(ctx, db)
		}
		return nil, err
	}
	return &in.workspace, nil
}

// store writes everything, inside the transaction.
func (in *importing) store() error {
	if err := in.free(in.session); err != nil {
		return err
	}
	last, _, err := one(in.session, func(r record) int64 { return r.integer(0) }, `SELECT coalesce(max(position), 0) FROM lt_change`)
	if err != nil {
		return err
	}
	in.base = last
	for _, step := range []func() error{in.storeHead, in.storeCatalogue, in.storeAttachments, in.storeTables, in.compute, in.finishTables, in.checkLinks,
		in.storeLog, in.storeOperations} {
		if err := step(); err != nil {
			if errors.Is(err, adapter.ErrConstraint) { // a key of the database
				return fmt.Errorf("something of one of the archive's ids: %w", ErrExists)
			}
			return err
		}
	}
	e, err := archiveEntry("workspace.import", &in.about)
	if err != nil {
		return err
	}
	in.note(e)
	return nil
}

// storeHead makes the workspace with its only member.
func (in *importing) storeHead() error {
	row := in.records["workspace"][0]
	p := portableOf("lt_workspace")
	// A workspace of this id may have been here before it was deleted, and what is in memory of it, or sealed in a cursor, must be
	// older than what is now: its counts of changes begin above all that so many changes could have led to.
	begin := argInt(in.now.UnixMilli())
	if _, err := in.exec(`INSERT INTO lt_workspace (`+joined(p.columns)+`, policy_version, revision) VALUES (`+inMarks(len(row)+2)+`)`,
		append(row[:len(row):len(row)], begin, begin)...); err != nil {
		return err
	}
	if err := in.createNamespace(in.workspace.ID); err != nil {
		return err
	}
	// The workspace's own log stays as the archive has it: that there is a new owner is in the entry about the import.
	if _, err := in.exec(`INSERT INTO lt_member (workspace, user_id, role, added_at) VALUES (?, ?, ?, ?)`, argText(in.workspace.ID), argText(in.actor.ID),
		argText(string(rbac.Owner)), argTime(in.now)); err != nil {
		return err
	}
	return in.touch(in.workspace.ID, true)
}

// storeCatalogue writes the records of the catalogue, those in the trash too.
func (in *importing) storeCatalogue() error {
	for i := range portables {
		p := &portables[i]
		columns, more := joined(p.columns), []lqp.Value(nil)
		switch p.name {
		case "workspace", "trash", "trash_record":
			continue
		case "floor":
			columns, more = columns+`, hash, position`, []lqp.Value{argBytes(in.about.Prev), argInt(in.base)}
		case "table_floor":
			columns, more = columns+`, position`, []lqp.Value{argInt(in.base)}
		case "connection":
			columns, more = columns+`, waits`, []lqp.Value{argFlag(true)}
		}
		physical := p.at("physical")
		sql := `INSERT INTO ` + p.table + ` (` + columns + `) VALUES (` + inMarks(len(p.columns)+len(more)) + `)`
		for _, row := range in.records[p.name] {
			row = append(append(make([]lqp.Value, 0, len(row)+len(more)), row...), more...)
			if p.name == "table" {
				row[physical] = argText(in.tables[row[0].Text()].physical)
			}
			if _, err := in.exec(sql, row...); err != nil {
				return fmt.Errorf("store a %s: %w", p.name, err)
			}
		}
	}
	return in.storeTrash()
}

// storeTrash writes the trash. The physical types of columns and the names of physical tables are made here.
func (in *importing) storeTrash() error {
	p := portableOf("lt_trash")
	for _, row := range in.records["trash"] {
		storage := ""
		if TrashKind(row[p.at("kind")].Text()) == TrashedColumn {
			t := in.tables[row[p.at("place")].Text()]
			for i := range t.gone {
				if t.gone[i].ID == row[p.at("resource")].Text() {
					storage = in.db.store.DeclareType(t.gone[i].storedType())
				}
			}
		}
		if _, err := in.exec(`INSERT INTO lt_trash (`+joined(p.columns)+`, storage) VALUES (`+inMarks(len(row)+1)+`)`,
			append(row[:len(row):len(row)], argText(storage))...); err != nil {
			return fmt.Errorf("store the trash: %w", err)
		}
	}
	p = portableOf("lt_trash_record")
	for _, row := range in.records["trash_record"] {
		k, trash := keptOf(row)
		if k.source == "lt_table" {
			values, err := k.values(nil)
			if err != nil {
				return err
			}
			physical := in.tables[values[0].Text()].physical
			doc, err := k.with("physical", physical)
			if err != nil {
				return err
			}
			row = append(row[:len(row)-1:len(row)-1], argText(string(doc)))
			if _, err := in.exec(`INSERT INTO lt_trash_table (physical, trash, workspace) VALUES (?, ?, ?)`, argText(physical), argText(trash),
				argText(in.workspace.ID)); err != nil {
				return err
			}
		}
		if _, err := in.exec(`INSERT INTO lt_trash_record (`+joined(p.columns)+`) VALUES (`+inMarks(len(row))+`)`, row...); err != nil {
			return fmt.Errorf("store the trash: %w", err)
		}
	}
	return nil
}
