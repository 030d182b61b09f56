package minidb

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/bundle"
	"github.com/livetables/livetables/lqp"
)

// BlobStore is what archives of workspaces need of the store of attachments' contents; see package blob.
type BlobStore interface {
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	Open(ctx context.Context, key string, from, n int64) (io.ReadCloser, error)
	Delete(ctx context.Context, keys ...string) error
}

// WorkspaceExport is a whole workspace as it was at one moment, ready to be written. It is used by one goroutine and must be
// closed.
type WorkspaceExport struct {
	Workspace Workspace
	builder   *bundle.Builder
	manifest  *bundle.Manifest
	size      int64
}

// Size is the size of the archive in bytes.
func (x *WorkspaceExport) Size() int64 { return x.size }

// WriteTo writes the archive. The contents of attachments are read now, and compared with what was stored of them: one that
// is missing or another one is an error after a part was written.
func (x *WorkspaceExport) WriteTo(ctx context.Context, w io.Writer) error {
	if err := x.builder.WriteTo(ctx, w, x.manifest); err != nil {
		return fmt.Errorf("export workspace %s: %w", x.Workspace.ID, err)
	}
	return nil
}

// Close removes what the export keeps in a temporary file.
func (x *WorkspaceExport) Close() error { return x.builder.Close() }

// ExportWorkspace gathers a whole workspace from one consistent state: its catalogue, rows, links, files, trash, operations
// and log. Members, publications with their keys, passwords of connections, locks, jobs and signed heads are not in it. The
// same state makes the same bytes, on whatever database. file is an empty temporary file, which is closed with the export or
// when there is none, see [bundle.NewBuilder]; blobs may be nil where there are no attachments. The log is verified on the way: one that was tampered with is an
// *audit.Fault.
//
// An entry of no workspace says by whom it was exported and where its log ended: the workspace itself stays as it is.
func (db *DB) ExportWorkspace(ctx context.Context, actor Actor, workspace string, file *os.File, blobs BlobStore) (*WorkspaceExport, error) {
	b := bundle.NewBuilder(file)
	x := &WorkspaceExport{builder: b}
	var about aboutArchive
	err := db.read(ctx, "export workspace "+workspace, func(s session) error {
		e := &exporting{unit: &unit{session: s, db: db, now: db.now()}, b: b, id: workspace, blobs: blobs}
		if err := e.run(); err != nil {
			return err
		}
		x.Workspace, about = e.workspace, e.about
		return nil
	})
	if err == nil {
		err = x.finish(about)
	}
	if err == nil {
		err = db.recordArchive(ctx, actor, "workspace.export", &about)
	}
	if err != nil {
		_ = b.Close() // a temporary file without a name
		return nil, err
	}
	return x, nil
}

func (x *WorkspaceExport) finish(about aboutArchive) error {
	doc, err := bundle.Encode(about)
	if err != nil {
		return err
	}
	x.manifest = x.builder.Manifest(archiveFormat, archiveVersion, doc)
	x.size, err = x.manifest.Size()
	return err
}

// archiveEntry is the entry of no workspace about an archive.
func archiveEntry(action string, about *aboutArchive) (audit.Entry, error) {
	doc, err := image(struct {
		Name  string    `json:"name"`
		Chain audit.Cut `json:"chain"`
	}{about.Name, audit.Cut{Sequence: about.Last, Hash: about.Hash}})
	return audit.Entry{Action: action, ResourceType: "workspace", Resource: about.Workspace, After: doc}, err
}

func (db *DB) recordArchive(ctx context.Context, actor Actor, action string, about *aboutArchive) error {
	return db.write(ctx, "record archive", actor, func(u *unit) error {
		e, err := archiveEntry(action, about)
		if err != nil {
			return err
		}
		u.note(e)
		return nil
	})
}

// exporting is one export, inside the transaction that reads. Its unit writes nothing.
type exporting struct {
	*unit
	b         *bundle.Builder
	id        string
	blobs     BlobStore
	workspace Workspace
	about     aboutArchive
	line      []byte
}

func (e *exporting) run() (err error) {
	if e.workspace, err = e.session.workspace(e.id); err != nil {
		return err
	}
	e.about = aboutArchive{Workspace: e.id, Name: e.workspace.Name}
	records := catalogueRecords{}
	for i := range portables {
		p := &portables[i]
		key := "workspace"
		if p.table == "lt_workspace" {
			key = "id"
		}
		if records[p.name], err = e.recordsOf(p, key); err != nil {
			return err
		}
	}
	tables, err := records.tables(e.db.store, e.id)
	if err != nil {
		return err
	}
	if err := records.forgetPhysical(); err != nil {
		return err
	}
	e.b.Begin(catalogueFile)
	for i := range portables {
		p := &portables[i]
		for _, values := range records[p.name] {
			if err := e.put(p.text(e.line[:0], values)); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(tables)) {
		if err := e.rows(tables[id]); err != nil {
			return fmt.Errorf("rows of %s: %w", id, err)
		}
	}
	if err := e.links(records["link"]); err != nil {
		return err
	}
	files, err := e.files()
	if err != nil {
		return err
	}
	if err := e.operations(); err != nil {
		return err
	}
	if err := e.log(); err != nil {
		return err
	}
	return e.contents(files)
}

// put adds a line, whose memory is used again.
func (e *exporting) put(line []byte) error {
	e.line = line
	if len(line) > maxArchiveLine {
		return &LimitError{Name: "bytes of a line of an archive", Max: maxArchiveLine}
	}
	return e.b.Line(line)
}

// recordsOf reads the records of a kind.
func (e *exporting) recordsOf(p *portable, key string) ([][]lqp.Value, error) {
	list, err := all(e.session, p.scan, `SELECT `+joined(p.columns)+` FROM `+p.table+` WHERE `+key+` = ? ORDER BY `+p.order, argText(e.id))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.table, err)
	}
	return list, nil
}

// scan reads the columns of a record.
func (p *portable) scan(r record) []lqp.Value {
	row := make([]lqp.Value, len(p.columns))
	for i := range row {
		if row[i] = r.rows.Value(i); row[i].Kind() == lqp.JSON {
			row[i] = lqp.TextValue(row[i].Text())
		}
	}
	return row
}

// rows adds the rows of a table: a line with the ids of the columns, then a line for every row, by their ids. What is
// computed or shows something built in is not among them: it follows from the rest.
func (e *exporting) rows(t *wholeTable) error {
	e.b.Begin(rowsDir + t.ID + textSuffix)
	if err := e.put(t.header(e.line[:0])); err != nil {
		return err
	}
	return e.scan(t.whole, nil, true, func(row []lqp.Value) error { return e.put(t.appendRow(e.line[:0], row)) })
}

// links adds the links of each pair of link columns.
func (e *exporting) links(records [][]lqp.Value) error {
	var names []string
	for _, values := range records {
		names = append(names, scanLink(recordOf(values)).edges)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		e.b.Begin(edgesDir + name[len(edgesPrefix):] + textSuffix)
		sql := "SELECT " + quoteID(edgeFrom) + ", " + quoteID(edgeTo) + " FROM " + e.at(e.db.store, e.id, name) + " ORDER BY " + quoteID(edgeFrom) + ", " + quoteID(edgeTo)
		if err := e.each(sql, nil, func(r record) error {
			return e.put(appendEdge(e.line[:0], r.text(0), r.text(1)))
		}); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	return nil
}

// each gives f the rows of a statement as they come.
func (e *exporting) each(sql string, args []lqp.Value, f func(record) error) error {
	rows, err := e.tx.Query(e.ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	r := record{rows: rows, session: e.session, failed: new(error)}
	for rows.Next() {
		err := f(r)
		if err = orElse(*r.failed, err); err != nil {
			return err
		}
	}
	return rows.Err()
}

// content is where the content of a file is.
type content struct {
	key  string
	size int64
}

// files adds the files that have been in cells, and answers their contents by hash.
func (e *exporting) files() (map[string]content, error) {
	e.b.Begin(attachmentsFile)
	contents := map[string]content{}
	p := &portableFile
	err := e.each(`SELECT `+joined(p.columns)+`, blob FROM lt_attachment WHERE workspace = ? AND state = ? ORDER BY `+p.order,
		[]lqp.Value{argText(e.id), argInt(fileAttached)}, func(r record) error {
			values := p.scan(r)
			a := fileOf(values)
			contents[a.SHA256] = content{key: e.id + "/" + r.text(len(p.columns)), size: a.Size}
			return e.put(p.text(e.line[:0], values))
		})
	return contents, err
}

// fileOf reads an attachment's record as archives have it.
func fileOf(values []lqp.Value) Attachment {
	r := recordOf(values)
	return Attachment{ID: r.text(0), Workspace: r.text(1), Table: r.text(2), Column: r.text(3), Name: r.text(4), Type: r.text(5), Size: r.integer(6),
		SHA256: r.text(7), CreatedBy: r.text(8), CreatedAt: r.instant(9), Attached: true}
}

// contents adds the contents of files, which are read when the archive is written.
func (e *exporting) contents(files map[string]content) error {
	if len(files) > 0 && e.blobs == nil {
		return fmt.Errorf("contents of attachments: %w", ErrNotFound)
	}
	for _, sum := range slices.Sorted(maps.Keys(files)) {
		c := files[sum]
		e.b.Add(bundle.Entry{Name: blobsDir + sum, Size: c.size, SHA256: sum}, func(ctx context.Context) (io.ReadCloser, error) {
			return e.blobs.Open(ctx, c.key, 0, -1)
		})
	}
	return nil
}

// operations adds the operations whose entries are all there.
func (e *exporting) operations() error {
	e.b.Begin(operationsFile)
	p := &portableOperation
	return e.each(`SELECT o.id, o.workspace, o.actor, o.at, f.chain_sequence, l.chain_sequence, o.kind, o.target, o.tables, o.changes
		FROM lt_operation o JOIN lt_change f ON f.position = o.first_position JOIN lt_change l ON l.position = o.last_position
		WHERE o.workspace = ? AND f.workspace = o.workspace AND l.workspace = o.workspace AND f.chain_sequence >
			(SELECT coalesce(max(sequence), 0) FROM lt_floor WHERE workspace = o.workspace) ORDER BY f.chain_sequence, o.id`,
		[]lqp.Value{argText(e.id)}, func(r record) error { return e.put(p.text(e.line[:0], p.scan(r))) })
}
