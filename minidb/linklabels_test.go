package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// labelledTables are albums whose artists are texts, and the table of artists.
func labelledTables(t *testing.T, cells ...string) (l *linked, artists []string, albums []string) {
	l = newLinked(t, minidb.Link{}, nil)
	artists = l.projects.add(values{"Name": text("Björk")}, values{"Name": text("Simon, Paul")}, values{"Name": text("Twin")}, values{"Name": text("Twin")})
	_, err := l.AddColumn(l.ctx, alice, l.tasks.ID, minidb.ColumnSpec{Name: "By", Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	l.tasks.reload()
	for _, c := range cells {
		v := values{"Name": text("album")}
		if c != "" {
			v["By"] = text(c)
		}
		albums = append(albums, l.tasks.add(v)[0])
	}
	return l, artists, albums
}

func (l *linked) become(column string, r minidb.Retype) (*minidb.Retyping, error) {
	report, err := l.ChangeType(l.ctx, alice, l.tasks.reload().id(column), r, 0)
	l.tasks.reload()
	return report, err
}

func TestTextsBecomeLinksAndBack(t *testing.T) {
	l, artists, albums := labelledTables(t, "Björk", " Simon, Paul", `["Björk","Simon, Paul"]`, "", "Björk, Nobody", "Twin", artistsNone, "New one, Newer")
	link := minidb.Retype{Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: l.projects.ID}}}
	report, err := l.PreviewType(l.ctx, l.tasks.id("By"), link)
	require.NoError(t, err)
	require.Equal(t, []int64{8, 1, 0, 3, 4, 0}, []int64{report.Rows, report.Empty, report.Exact, report.Changed, report.Lost, report.Created})
	require.Len(t, report.Examples, 4)
	require.Equal(t, `no row of the linked table is called "Nobody"`, report.Examples[0].Message)
	require.Equal(t, rowsOf(artists[0]), report.Examples[0].New)
	require.Equal(t, `several rows of the linked table are called "Twin"`, report.Examples[1].Message)
	_, err = l.become("By", link)
	var loss *minidb.LossError
	require.ErrorAs(t, err, &loss)

	link.CreateRows, link.AcceptLoss = true, true
	report, err = l.become("By", link)
	require.NoError(t, err)
	require.Equal(t, []int64{6, 1, 4}, []int64{report.Changed, report.Lost, report.Created})
	require.Equal(t, rowsOf(artists[0]), l.tasks.cell(albums[0], "By"))
	require.Equal(t, rowsOf(artists[1]), l.tasks.cell(albums[1], "By"))
	require.Equal(t, rowsOf(artists[0], artists[1]), l.tasks.cell(albums[2], "By"))
	require.True(t, l.tasks.cell(albums[5], "By").IsNull())
	require.Equal(t, num(2), l.tasks.cell(albums[0], "_version"))
	l.agree(t)
	made := l.projects.reload().stored()
	require.Len(t, made, 4+4)

	// It is a link like others: the other side, a lookup, a deletion.
	_, err = l.AddColumn(l.ctx, alice, l.tasks.ID, minidb.ColumnSpec{Name: "Names", Type: minidb.LookupColumn,
		Options: minidb.ColumnOptions{Through: &minidb.Through{Link: l.tasks.id("By"), Target: l.projects.id("Name")}}}, 0)
	require.NoError(t, err)
	l.tasks.reload()
	require.Equal(t, lqp.ListValue([]lqp.Value{text("Björk"), text("Simon, Paul")}), l.tasks.cell(albums[2], "Names"))
	version := l.tasks.Version

	// And back: by what the rows are called.
	report, err = l.become("By", minidb.Retype{Type: minidb.TextColumn})
	require.NoError(t, err)
	require.Zero(t, report.Lost)
	require.Equal(t, text("Björk"), l.tasks.cell(albums[0], "By"))
	require.Equal(t, text(`["Björk","Simon, Paul"]`), l.tasks.cell(albums[2], "By"))
	require.Equal(t, text(`["New one","Newer"]`), l.tasks.cell(albums[7], "By"))
	require.True(t, l.tasks.cell(albums[2], "Names").IsNull(), "the lookup has nothing to look through")
	l.projects.do(l.projects.delete(0, artists[0])) // no edge is left behind that would find it
	// Taken back: the links that are still there.
	l.tasks.reload()
	_, err = l.RevertSchema(l.ctx, alice, l.tasks.ID, minidb.SchemaRevert{Version: version + 1, AcceptLoss: true})
	require.NoError(t, err)
	l.tasks.reload()
	require.Equal(t, rowsOf(artists[1]), l.tasks.cell(albums[2], "By"))
	require.Equal(t, lqp.ListValue([]lqp.Value{text("Simon, Paul")}), l.tasks.cell(albums[2], "Names"))
	l.agree(t)
}

// artistsNone is a row id that is no row.
var artistsNone = minidb.NewID("row")

func TestTheChangeIntoALinkIsTakenBack(t *testing.T) {
	l, artists, albums := labelledTables(t, "Björk", "Nobody", " Simon, Paul ")
	_, err := l.become("By", minidb.Retype{Type: minidb.LinkColumn, AcceptLoss: true, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: l.projects.ID}}})
	require.NoError(t, err)
	changed := l.tasks.Version
	l.tasks.do(l.tasks.update(albums[2], 0, values{"By": rowsOf(artists[0])})) // written since
	_, err = l.RevertSchema(l.ctx, alice, l.tasks.ID, minidb.SchemaRevert{Version: changed})
	var loss *minidb.LossError
	require.ErrorAs(t, err, &loss)
	require.EqualValues(t, 1, loss.Lost)
	_, err = l.RevertSchema(l.ctx, alice, l.tasks.ID, minidb.SchemaRevert{Version: changed, AcceptLoss: true})
	require.NoError(t, err)
	l.tasks.reload()
	require.Equal(t, minidb.TextColumn, l.tasks.column("By").Type)
	require.Equal(t, text("Björk"), l.tasks.cell(albums[0], "By"))
	require.Equal(t, text("Nobody"), l.tasks.cell(albums[1], "By"), "what the change had lost")
	require.True(t, l.tasks.cell(albums[2], "By").IsNull())
	require.EqualValues(t, 1, l.count(`SELECT count(*) FROM lt_link`), "the other link of the tables")
	l.agree(t)
}

func TestLinksThatAreNotMade(t *testing.T) {
	l, _, _ := labelledTables(t, "Björk", "Nobody")
	to := func(table string) minidb.ColumnOptions {
		return minidb.ColumnOptions{Link: &minidb.Link{Table: table}}
	}
	for name, c := range map[string]struct {
		column string
		r      minidb.Retype
	}{
		"no table":            {"By", minidb.Retype{Type: minidb.LinkColumn, Options: to(minidb.NewID("tbl"))}},
		"no link":             {"By", minidb.Retype{Type: minidb.LinkColumn}},
		"the label itself":    {"Name", minidb.Retype{Type: minidb.LinkColumn, Options: to("")}},
		"rows of its own":     {"By", minidb.Retype{Type: minidb.LinkColumn, Options: to(""), CreateRows: true, AcceptLoss: true}},
		"another link":        {"Project", minidb.Retype{Type: minidb.LinkColumn, Options: to(l.projects.ID)}},
		"a number":            {"Project", minidb.Retype{Type: minidb.IntegerColumn}},
		"rows without a link": {"By", minidb.Retype{Type: minidb.LongTextColumn, CreateRows: true}},
		"refused by the guard": {"By", minidb.Retype{Type: minidb.LinkColumn, Options: to(l.projects.ID), CreateRows: true,
			Target: minidb.Guard{Create: l.projects.where("eq", "Name", text("only this"))}}},
	} {
		_, err := l.become(c.column, c.r)
		require.Error(t, err, name)
	}
	require.Len(t, l.projects.stored(), 4, "nothing was made")
	yes := true
	_, err := l.UpdateColumn(l.ctx, alice, l.tasks.id("Project"), minidb.ColumnPatch{Inverse: twoWay()}, 0)
	require.NoError(t, err)
	_, err = l.become("Project", minidb.Retype{Type: minidb.TextColumn})
	require.ErrorContains(t, err, "one-way")
	// A required link needs a row for each.
	_, err = l.UpdateColumn(l.ctx, alice, l.tasks.id("By"), minidb.ColumnPatch{Required: &yes}, 0)
	require.NoError(t, err)
	_, err = l.become("By", minidb.Retype{Type: minidb.LinkColumn, Options: to(l.projects.ID), AcceptLoss: true})
	require.ErrorContains(t, err, "required")
	report, err := l.become("By", minidb.Retype{Type: minidb.LinkColumn, Options: to(l.projects.ID), CreateRows: true})
	require.NoError(t, err)
	require.EqualValues(t, 1, report.Created)
	l.agree(t)
}

func TestTheCopyOfALinkHasLinksOfItsOwn(t *testing.T) {
	l, p, tasks := filledLink(t, twoWay())
	made, err := l.DuplicateColumn(l.ctx, alice, l.tasks.id("Project"), minidb.DuplicateColumn{Name: "Also", Cells: true})
	require.NoError(t, err)
	require.Empty(t, made.Options.Link.Inverse)
	l.tasks.reload()
	require.Equal(t, rowsOf(p[1], p[0]), l.tasks.cell(tasks[0], "Also"))
	l.agree(t)
	l.tasks.do(l.tasks.update(tasks[0], 0, values{"Also": rowsOf(p[0])}))
	require.Equal(t, rowsOf(p[1], p[0]), l.tasks.cell(tasks[0], "Project"))
	l.projects.reload()
	l.projects.do(l.projects.delete(0, p[0]))
	require.True(t, l.tasks.cell(tasks[0], "Also").IsNull(), "a deleted row goes from the copy too")
	l.agree(t)
}
