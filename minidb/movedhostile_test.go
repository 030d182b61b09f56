package minidb_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/bundle"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
)

const (
	bundleFormat = "livetables workspace archive"
	catalogue    = "catalogue.ndjson"
)

// forged is an archive taken to pieces, to be put together otherwise.
type forged struct {
	t       testing.TB
	version int
	about   map[string]any
	names   []string
	content map[string][]byte
}

func forge(t testing.TB, archive []byte) *forged {
	t.Helper()
	r, err := bundle.Open(bytes.NewReader(archive), int64(len(archive)), bundleFormat, []int{1}, bundle.Limits{Bytes: 1 << 30, Lines: 1 << 30, Line: 1 << 20})
	require.NoError(t, err)
	f := &forged{t: t, version: 1, content: map[string][]byte{}}
	require.NoError(t, json.Unmarshal(r.About, &f.about))
	for _, e := range r.Entries {
		body, err := io.ReadAll(r.Content(e.Name))
		require.NoError(t, err)
		f.names, f.content[e.Name] = append(f.names, e.Name), body
	}
	return f
}

// made is the archive with a manifest that fits what is in it now: only what the contents say can be wrong.
func (f *forged) made() []byte {
	f.t.Helper()
	b := bundle.NewBuilder(scratch(f.t))
	defer func() { require.NoError(f.t, b.Close()) }()
	for _, name := range f.names {
		body := f.content[name]
		sum := sha256.Sum256(body)
		e := bundle.Entry{Name: name, Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
		if strings.HasSuffix(name, ".ndjson") {
			e.Lines = int64(bytes.Count(body, []byte("\n")))
		}
		b.Add(e, func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
	}
	about := struct {
		Workspace any `json:"workspace_id"`
		Name      any `json:"name"`
		First     any `json:"first_entry"`
		Last      any `json:"last_entry"`
		Hash      any `json:"hash"`
	}{f.about["workspace_id"], f.about["name"], f.about["first_entry"], f.about["last_entry"], f.about["hash"]}
	doc, err := bundle.Encode(about)
	require.NoError(f.t, err)
	var out bytes.Buffer
	require.NoError(f.t, b.WriteTo(f.t.Context(), &out, b.Manifest(bundleFormat, f.version, doc)))
	return out.Bytes()
}

// replace replaces a text in an entry, which must be there.
func (f *forged) replace(name, old, now string) *forged {
	f.t.Helper()
	require.Contains(f.t, string(f.content[name]), old, name)
	f.content[name] = bytes.Replace(f.content[name], []byte(old), []byte(now), 1)
	return f
}

func (f *forged) named(prefix string) string {
	f.t.Helper()
	for _, name := range f.names {
		if strings.HasPrefix(name, prefix) && len(f.content[name]) > 0 {
			return name
		}
	}
	f.t.Fatalf("no entry %s", prefix)
	return ""
}

// nothing demands that an archive is refused and that nothing of it is left, and answers the error.
func (m *mover) nothing(t *testing.T, f *fixture, archive []byte, workspace string) error {
	t.Helper()
	_, err := m.take(archive)
	require.Error(t, err)
	require.Zero(t, f.count(`SELECT count(*) FROM lt_change WHERE workspace = ?`, text(workspace))+f.count(`SELECT count(*) FROM lt_workspace WHERE id = ?`, text(workspace)))
	keys, listErr := m.blobs.List(m.ctx, "", "", 10)
	require.NoError(t, listErr)
	require.Empty(t, keys)
	return err
}

// TestForgedArchives: what is wrong with an archive is found, named, and nothing is left of it.
func TestForgedArchives(t *testing.T) {
	l := newLives(t)
	archive := l.m.archive(l.workspace.ID)
	place := storetest.New(t)
	to := newMover(t, place)
	f := &fixture{TB: t, DB: to.DB, ctx: to.ctx, place: place}
	rows := "rows/" + l.goods.ID + ".ndjson"
	files, tasks := "rows/"+l.files.ID+".ndjson", "rows/"+l.tasks.ID+".ndjson"
	foreign := minidb.NewID("tbl")
	for name, change := range map[string]func(*forged) string{
		"a later version":      func(f *forged) string { f.version = 2; return "version 2" },
		"a name that is none":  func(f *forged) string { f.replace(catalogue, `"name":"Acme"`, `"name":""`); return "" },
		"an unknown member":    func(f *forged) string { f.replace(catalogue, `{"base":{`, `{"base":{"x":1,`); return "line" },
		"a member in capitals": func(f *forged) string { f.replace(catalogue, `"colour"`, `"Colour"`); return "line" },
		"an unknown kind":      func(f *forged) string { f.replace(catalogue, `{"base":`, `{"member":`); return "unknown" },
		"a record of another workspace": func(f *forged) string {
			f.replace(catalogue, `"workspace":"`+l.workspace.ID, `"workspace":"`+minidb.NewID("wsp"))
			return "another workspace"
		},
		"a table that there is not": func(f *forged) string {
			f.replace(catalogue, `"table_id":"`+l.goods.ID, `"table_id":"`+foreign)
			return ""
		},
		"a physical name": func(f *forged) string {
			f.replace(catalogue, `"physical":""`, `"physical":"lt_member"`)
			return "physical"
		},
		"a physical name in the trash": func(f *forged) string {
			f.replace(catalogue, `"{}\",null,\"\"`, `"{}\",null,\"lt_member\"`)
			return "physical"
		},
		"a type that is none": func(f *forged) string { f.replace(catalogue, `"type":"integer"`, `"type":"sql"`); return "" },
		"a formula of another type": func(f *forged) string {
			f.retyped("Twice")
			return ""
		},
		"a rule of no role":       func(f *forged) string { f.replace(catalogue, `"role":"viewer"`, `"role":"nobody"`); return "" },
		"a version of a base":     func(f *forged) string { f.replace(catalogue, `"version":2`, `"version":-2`); return catalogue },
		"other columns":           func(f *forged) string { f.replace(rows, `"_id"`, `"_ID"`); return "columns" },
		"a row of another form":   func(f *forged) string { f.replace(rows, `"row_`, ` "row_`); return rows },
		"a value of another type": func(f *forged) string { f.replace(rows, `"B","2"`, `"B",2`); return rows },
		"a unique value twice":    func(f *forged) string { f.replace(rows, `"B","2"`, `"B","1"`); return "unique" },
		"a choice that is none":   func(f *forged) string { f.replace(rows, `"brand new"`, `"brand old"`); return "choice" },
		"a link to nobody": func(f *forged) string {
			f.replace(tasks, `,["row_`, `,["`+minidb.NewID("row")+`","row_`)
			return "links"
		},
		"a link less":             func(f *forged) string { f.lessLinks(l); return "links" },
		"a file of nobody":        func(f *forged) string { f.replace(files, `["att_`, `["`+minidb.NewID("att")+`","att_`); return "file" },
		"content of another file": func(f *forged) string { f.content[f.named("blobs/")] = []byte("xyz"); return "name" },
		"an entry more": func(f *forged) string {
			f.names = append(f.names, "more.txt")
			f.content["more.txt"] = []byte("x")
			return "more.txt"
		},
		"an entry less": func(f *forged) string { f.names = f.names[1:]; return catalogue },
		"a changed entry of the log": func(f *forged) string {
			f.replace("log.ndjson", `"actor":"usr_alice"`, `"actor":"usr_carol"`)
			return "log.ndjson, line"
		},
		"an entry of the log less": func(f *forged) string { f.cutLog(3); return "log.ndjson, line 3" },
		"the end of the log":       func(f *forged) string { f.cutLog(-1); return "end" },
		"an operation of no entries": func(f *forged) string {
			f.replace("operations.ndjson", `"first_position":`, `"first_position":9`)
			return "operations.ndjson"
		},
		"a log about another workspace": func(f *forged) string { f.about["workspace_id"] = minidb.NewID("wsp"); return "" },
	} {
		t.Run(name, func(t *testing.T) {
			bad := forge(t, archive)
			want := change(bad)
			err := to.nothing(t, f, bad.made(), l.workspace.ID)
			fault := (*minidb.ArchiveError)(nil)
			require.ErrorAs(t, err, &fault)
			require.ErrorContains(t, err, want)
		})
	}
	require.Empty(t, mentions(f, l.workspace.ID), "nothing is left of any of them")
	_, err := to.take(forge(t, archive).made())
	require.NoError(t, err, "what was not changed is taken")
}

// retyped says that a computed column has other values than it has.
func (f *forged) retyped(column string) {
	f.t.Helper()
	before, after, ok := strings.Cut(string(f.content[catalogue]), `"name":"`+column+`"`)
	require.True(f.t, ok)
	now := strings.Replace(after, `\"result\":{\"type\":\"number\"`, `\"result\":{\"type\":\"text\"`, 1)
	require.NotEqual(f.t, after, now)
	f.content[catalogue] = []byte(before + `"name":"` + column + `"` + now)
}

// lessLinks takes the first link out of the list of links.
func (f *forged) lessLinks(l *lives) {
	for _, name := range f.names {
		if strings.HasPrefix(name, "edges/") && strings.Contains(name, l.tasks.id("Project")[4:]) || strings.HasPrefix(name, "edges/") && len(f.content[name]) > 100 {
			_, rest, _ := bytes.Cut(f.content[name], []byte("\n"))
			f.content[name] = rest
			return
		}
	}
	f.t.Fatal("no links")
}

// cutLog takes an entry out of the log, the last one for -1.
func (f *forged) cutLog(line int) {
	lines := bytes.SplitAfter(f.content["log.ndjson"], []byte("\n"))
	if line < 0 {
		line = len(lines) - 1
	}
	f.content["log.ndjson"] = bytes.Join(append(lines[:line-1:line-1], lines[line:]...), nil)
}

// TestDamagedArchives: whatever byte is changed, and wherever the file is cut, it is refused.
func TestDamagedArchives(t *testing.T) {
	l := newLives(t)
	archive := l.m.archive(l.workspace.ID)
	place := storetest.New(t)
	to := newMover(t, place)
	f := &fixture{TB: t, DB: to.DB, ctx: to.ctx, place: place}
	step := len(archive)/150 + 1
	for at := 0; at < len(archive); at += step {
		changed := bytes.Clone(archive)
		changed[at] ^= 1
		_, err := to.take(changed)
		require.ErrorAs(t, err, new(*minidb.ArchiveError), at)
		_, err = to.take(archive[:at])
		require.ErrorAs(t, err, new(*minidb.ArchiveError), at)
	}
	_, err := to.take(append(bytes.Clone(archive), 0))
	require.ErrorContains(t, err, "follows the end")
	_, err = to.ImportWorkspace(to.ctx, carol, bytes.NewReader(archive), int64(len(archive)), to.blobs, minidb.ArchiveLimits{Bytes: 1000})
	require.ErrorContains(t, err, "1000 are taken")
	_, err = to.ImportWorkspace(to.ctx, carol, bytes.NewReader(archive), int64(len(archive)), to.blobs, minidb.ArchiveLimits{Lines: 10})
	require.ErrorContains(t, err, "10 lines")
	_, err = to.ImportWorkspace(to.ctx, carol, bytes.NewReader(archive), int64(len(archive)), to.blobs, minidb.ArchiveLimits{FileBytes: 4})
	require.ErrorIs(t, err, minidb.ErrLimit)
	ctx, cancel := context.WithCancel(to.ctx)
	_, err = to.ImportWorkspace(ctx, carol, stopping{bytes.NewReader(archive), cancel, int64(len(archive)) / 2}, int64(len(archive)), to.blobs, minidb.ArchiveLimits{})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, to.nothing(t, f, archive[:len(archive)-1], l.workspace.ID), "cut short")
}

// stopping cancels an import when it reads beyond a place.
type stopping struct {
	io.ReaderAt
	stop  func()
	after int64
}

func (s stopping) ReadAt(b []byte, at int64) (int, error) {
	if at > s.after {
		s.stop()
	}
	return s.ReaderAt.ReadAt(b, at)
}

// TestArchiveOfForeignIDs: an archive that uses ids of another workspace is refused without a word about whose they are, and
// does not get into its history.
func TestArchiveOfForeignIDs(t *testing.T) {
	l := newLives(t)
	archive := l.m.archive(l.workspace.ID)
	victim := newFixture(t, minidb.Options{})
	g := victim.table(goods)
	row := g.add(values{"Name": text("of the victim")})[0]
	to := &mover{TB: t, DB: victim.DB, ctx: victim.ctx, blobs: newMover(t, storetest.New(t)).blobs}
	before := readLog(t, victim.DB)
	for name, ids := range map[string][2]string{
		"a table":     {l.goods.ID, g.ID},
		"a column":    {l.goods.id("Name"), g.id("Name")},
		"a base":      {l.base.ID, victim.base.ID},
		"a workspace": {l.workspace.ID, victim.workspace.ID},
	} {
		bad := forge(t, archive)
		for i, name := range bad.names {
			now := strings.ReplaceAll(name, ids[0], ids[1])
			bad.names[i], bad.content[now] = now, bytes.ReplaceAll(bad.content[name], []byte(ids[0]), []byte(ids[1]))
		}
		if bad.about["workspace_id"] == ids[0] {
			bad.about["workspace_id"] = ids[1]
		}
		relinked(t, bad)
		_, err := to.take(bad.made())
		require.Error(t, err, name)
		if !errors.Is(err, minidb.ErrExists) { // ids that no longer stand in the order of the others
			require.ErrorAs(t, err, new(*minidb.ArchiveError), name)
		}
		require.NotContains(t, err.Error(), victim.workspace.ID)
	}
	// The log alone speaks of somebody else's row.
	bad := forge(t, archive)
	bad.content["log.ndjson"] = bytes.ReplaceAll(bad.content["log.ndjson"], []byte(l.operation), []byte(row))
	relinked(t, bad)
	_, err := to.take(bad.made())
	require.ErrorIs(t, err, minidb.ErrExists)
	require.Equal(t, before, readLog(t, victim.DB))
}
