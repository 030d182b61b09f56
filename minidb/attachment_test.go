package minidb_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

// papers is a table with a column of files.
func papers(f *fixture, o minidb.ColumnOptions) *table {
	f.Helper()
	return f.table(minidb.TableSpec{Name: minidb.NewID("t"), Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn},
		{Name: "Files", Type: minidb.AttachmentColumn, Options: o}, {Name: "More", Type: minidb.AttachmentColumn}}})
}

// upload records a file that somebody has uploaded to a column.
func (t *table) upload(who minidb.Actor, column string) *minidb.Attachment {
	t.Helper()
	a := minidb.NewAttachment(t.Table, t.id(column))
	a.Name, a.Type, a.Size, a.SHA256 = "a.txt", "text/plain", 10, strings.Repeat("0", 64)
	require.NoError(t, t.AddAttachment(t.ctx, who, a, 0))
	return a
}

// refused are the messages about the files of a write.
func (t *table) refused(who minidb.Actor, g minidb.Guard, v values) string {
	t.Helper()
	_, err := t.Apply(t.ctx, who, []minidb.Write{{Table: t.Table, Mutation: t.insert(v), Guard: g}})
	var faults *minidb.ValidationError
	require.ErrorAs(t, err, &faults)
	require.Equal(t, minidb.CodeAttachment, faults.Fields[0].Code)
	return faults.Fields[0].Message
}

func TestAttachmentColumnsAreChecked(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	p := papers(f, minidb.ColumnOptions{MaxFiles: 2})
	for name, spec := range map[string]minidb.ColumnSpec{
		"too many files":      {Options: minidb.ColumnOptions{MaxFiles: 101}},
		"fewer than none":     {Options: minidb.ColumnOptions{MaxFiles: -1}},
		"no media type":       {Options: minidb.ColumnOptions{Accept: []string{"pictures"}}},
		"all kinds":           {Options: minidb.ColumnOptions{Accept: []string{"*/*"}}},
		"capitals":            {Options: minidb.ColumnOptions{Accept: []string{"Image/png"}}},
		"a default":           {Default: rowsOf(minidb.NewID("att"))},
		"unique":              {Unique: true},
		"an option of others": {Options: minidb.ColumnOptions{MaxLength: 1}},
	} {
		spec.Name, spec.Type = "New", minidb.AttachmentColumn
		_, err := f.AddColumn(f.ctx, alice, p.ID, spec, 0)
		require.Error(t, err, name)
	}
	_, err := f.AddColumn(f.ctx, alice, p.ID, minidb.ColumnSpec{Name: "New", Type: minidb.TextColumn, Options: minidb.ColumnOptions{MaxFiles: 1}}, 0)
	require.Error(t, err)
	_, err = f.ChangeType(f.ctx, alice, p.id("Name"), minidb.Retype{Type: minidb.AttachmentColumn}, 0)
	require.Error(t, err)
	_, err = f.ChangeType(f.ctx, alice, p.id("Files"), minidb.Retype{Type: minidb.LongTextColumn}, 0)
	require.Error(t, err)

	a, b, c := p.upload(alice, "Files"), p.upload(alice, "Files"), p.upload(alice, "Files")
	_, err = p.try(p.insert(values{"Files": rowsOf(a.ID, b.ID, c.ID)}), minidb.Guard{})
	require.ErrorContains(t, err, "at most 2 files")
	id := p.add(values{"Files": rowsOf(b.ID, a.ID, b.ID)})[0]
	require.Equal(t, rowsOf(b.ID, a.ID), p.cell(id, "Files"), "each once, in the given order")
	col := minidb.Column{Options: minidb.ColumnOptions{Accept: []string{"image/*", "text/csv"}}}
	require.Equal(t, []bool{true, true, false}, []bool{col.Accepts("image/png"), col.Accepts("text/csv; charset=utf-8"), col.Accepts("text/html")})
}

func TestWhoAttachesWhat(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	p := papers(f, minidb.ColumnOptions{})
	other := papers(f, minidb.ColumnOptions{})
	own, theirs := p.upload(alice, "Files"), p.upload(bob, "Files")
	said := map[string]bool{}
	for name, id := range map[string]string{"nobody's": minidb.NewID("att"), "no id": "x", "another column's": p.upload(alice, "More").ID,
		"another table's": other.upload(alice, "Files").ID, "somebody else's": theirs.ID} {
		message := strings.ReplaceAll(p.refused(alice, minidb.Guard{}, values{"Files": rowsOf(id)}), id, "ID")
		said[message] = true
		require.Len(t, said, 1, name)
	}
	row := p.add(values{"Name": text("x"), "Files": rowsOf(own.ID)})[0]
	found, err := f.Attachments(f.ctx, f.workspace.ID, []string{own.ID, theirs.ID})
	require.NoError(t, err)
	require.Len(t, found, 1, "what is in no cell is nobody's to see")
	require.True(t, found[own.ID].Attached)
	elsewhere, err := f.Attachments(f.ctx, minidb.NewID("wsp"), []string{own.ID})
	require.NoError(t, err)
	require.Empty(t, elsewhere)

	// Attached, it goes from row to row, also by others; whom a rule keeps from rows attaches their own alone.
	write := func(who minidb.Actor, g minidb.Guard, v values) error {
		_, err := p.Apply(f.ctx, who, []minidb.Write{{Table: p.Table, Mutation: p.insert(v), Guard: g}})
		return err
	}
	require.NoError(t, write(bob, minidb.Guard{}, values{"Files": rowsOf(own.ID)}))
	narrow := minidb.Guard{Read: p.where("ne", "Name", text("x"))}
	p.refused(bob, narrow, values{"Name": text("y"), "Files": rowsOf(own.ID)})
	require.NoError(t, write(bob, narrow, values{"Name": text("y"), "Files": rowsOf(theirs.ID)}))

	// What a cell has it keeps, whoever writes the row.
	_, err = p.Apply(f.ctx, bob, []minidb.Write{{Table: p.Table, Mutation: p.update(row, 0, values{"Name": text("z"), "Files": rowsOf(own.ID)}),
		Guard: minidb.Guard{Read: p.where("ne", "Name", text("y"))}}})
	require.NoError(t, err)
	// A dry run attaches nothing.
	loose := p.upload(alice, "Files")
	m := p.insert(values{"Files": rowsOf(loose.ID)})
	m.DryRun = true
	p.do(m)
	p.refused(bob, minidb.Guard{}, values{"Files": rowsOf(loose.ID)})
}

func TestRoomForAttachments(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	p := papers(f, minidb.ColumnOptions{})
	p.upload(alice, "Files")
	next := minidb.NewAttachment(p.Table, p.id("Files"))
	next.Name, next.Size = "../../etc/passwd", 10
	require.ErrorIs(t, f.AddAttachment(f.ctx, alice, next, 19), minidb.ErrLimit)
	require.ErrorIs(t, f.FileRoom(f.ctx, f.workspace.ID, 10, 19), minidb.ErrLimit)
	require.NoError(t, f.FileRoom(f.ctx, f.workspace.ID, 10, 20))
	require.NoError(t, f.AddAttachment(f.ctx, alice, next, 20))
	require.Equal(t, "passwd", next.Name)
	stale := *next
	stale.ID = "att_" + strings.Repeat("0", 26)
	require.Error(t, f.AddAttachment(f.ctx, alice, &stale, 0), "its content may have been swept")
	wrong := minidb.NewAttachment(p.Table, p.id("Name"))
	require.ErrorIs(t, f.AddAttachment(f.ctx, alice, wrong, 0), minidb.ErrNotFound)
}

// dropped are the keys that DropAttachments wants removed.
func (f *fixture) dropped() (keys []string) {
	f.Helper()
	require.NoError(f, f.DropAttachments(f.ctx, func(_ context.Context, list []string) error {
		keys = append(keys, list...)
		return nil
	}))
	return keys
}

// TestLifeOfAttachments: what was never attached expires, what was stays until its column is gone for good; copies share
// contents, which go with the last of them.
func TestLifeOfAttachments(t *testing.T) {
	now := time.Now()
	f := newFixture(t, minidb.Options{Clock: func() time.Time { return now }})
	p := papers(f, minidb.ColumnOptions{})
	kept, loose := p.upload(alice, "Files"), p.upload(alice, "Files")
	row := p.add(values{"Name": text("x"), "Files": rowsOf(kept.ID)})[0]
	copied, err := f.DuplicateColumn(f.ctx, alice, p.id("Files"), minidb.DuplicateColumn{Cells: true})
	require.NoError(t, err)
	p.reload()
	twin := p.cell(row, copied.Name)
	require.Len(t, ids(twin), 1)
	require.NotEqual(t, kept.ID, ids(twin)[0])
	base, err := f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "Copy", Rows: true})
	require.NoError(t, err)
	require.EqualValues(t, 5, f.count(`SELECT count(*) FROM lt_attachment`), "two copies of two, and one that waits")
	p.do(p.delete(0, row))

	require.NoError(t, f.ExpireAttachments(f.ctx, now))
	require.Empty(t, f.dropped(), "not older")
	now = now.Add(time.Hour)
	require.NoError(t, f.ExpireAttachments(f.ctx, now))
	due, err := f.AttachmentsDue(f.ctx, now)
	require.NoError(t, err)
	require.True(t, due)
	// What cannot be removed now is removed the next time.
	require.Error(t, f.DropAttachments(f.ctx, func(context.Context, []string) error { return context.Canceled }))
	require.Equal(t, []string{loose.BlobKey()}, f.dropped())
	due, err = f.AttachmentsDue(f.ctx, now)
	require.NoError(t, err)
	require.False(t, due)

	forever := func(id string) {
		t.Helper()
		require.NoError(t, f.DeleteTableForever(f.ctx, alice, id, 0))
	}
	require.NoError(t, f.RemoveColumn(f.ctx, alice, p.id("Files"), minidb.Removal{}))
	require.Empty(t, f.dropped(), "it is in the trash")
	_, err = f.PurgeTrash(f.ctx, now.Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, f.dropped(), "the copies share it")
	forever(p.ID)
	require.Empty(t, f.dropped())
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	stray, err := f.StrayBlobs(f.ctx, []string{kept.BlobKey(), f.workspace.ID + "/att_" + strings.Repeat("0", 26), f.workspace.ID + "/" + minidb.NewID("att"), "else/x"})
	require.NoError(t, err)
	require.Equal(t, []string{f.workspace.ID + "/att_" + strings.Repeat("0", 26)}, stray, "young ones may be about to be recorded")
	for _, c := range s.TablesOf(base.ID) {
		forever(c.ID)
	}
	require.Equal(t, []string{kept.BlobKey()}, f.dropped())
	require.Zero(t, f.count(`SELECT count(*) FROM lt_attachment`))
}

func TestCleanFileName(t *testing.T) {
	long := strings.Repeat("ä", 300)
	for given, want := range map[string]string{
		"report.pdf": "report.pdf", "/etc/passwd": "passwd", `C:\Users\x\a.txt`: "a.txt", "../..": "file", "..": "file", "": "file", " .": "file",
		"a\r\nSet-Cookie: x.txt": "aSet-Cookie: x.txt", "gpj.\u202eexe.png": "gpj.exe.png", "a\x00b": "ab", "a\u200b.txt": "a.txt", "\xff\xfe.txt": ".txt",
		"naïve résumé.txt": "naïve résumé.txt", "a\u00a0b": "a b", long + ".jpeg": strings.Repeat("ä", 250) + ".jpeg", long: strings.Repeat("ä", 255), "x/": "file",
	} {
		require.Equal(t, want, minidb.CleanFileName(given), "%q", given)
	}
}

func FuzzCleanFileName(f *testing.F) {
	f.Add("../a\\b\x00\u202e.txt")
	f.Add(strings.Repeat("x", 300) + ".tar.gz")
	f.Fuzz(func(t *testing.T, name string) {
		clean := minidb.CleanFileName(name)
		require.NotEmpty(t, clean)
		require.LessOrEqual(t, len([]rune(clean)), 255)
		require.NotContains(t, clean, "/")
		require.NotContains(t, clean, `\`)
		require.NotContains(t, clean, "\n")
		require.Equal(t, clean, minidb.CleanFileName(clean))
	})
}
