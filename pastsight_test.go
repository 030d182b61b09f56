package livetables_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// told is everything that the history of a row tells somebody.
func (s *staff) told(a *livetables.Access, table *minidb.Table, row string) string {
	s.t.Helper()
	log, err := a.RowHistory(s.t.Context(), table.ID, row, livetables.HistoryFilter{})
	require.NoError(s.t, err)
	require.NotEmpty(s.t, log)
	all := ""
	for _, e := range log {
		all += string(e.Before) + string(e.After) + "\n"
	}
	return all
}

// TestPastOfComputedColumns: what an earlier definition computed, from columns that are hidden now, from one in the trash, or
// from one that is gone, is shown to nobody from whom it was kept.
func TestPastOfComputedColumns(t *testing.T) {
	const salary = "200" // doubled
	for name, change := range map[string]func(s *staff){
		"another formula": func(s *staff) {
			s.redefine("Double", `LEN(Name)`)
		},
		"the source in the trash": func(s *staff) {
			require.NoError(t, s.owner.RemoveColumn(t.Context(), s.column(s.people, "Salary"), minidb.Removal{Force: true}))
		},
		"the link in the trash": func(s *staff) {
			require.NoError(t, s.owner.RemoveColumn(t.Context(), s.column(s.teams, "People"), minidb.Removal{Force: true}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStaff(t)
			time.Sleep(2 * time.Millisecond)
			then := time.Now()
			s.rule(rbac.Viewer, s.people, "", map[string]rbac.Access{"Salary": rbac.Hidden})
			require.Contains(t, s.told(s.owner, s.people, s.person), salary)
			require.NotContains(t, s.told(s.viewer, s.people, s.person), salary)
			change(s)
			require.Contains(t, s.told(s.owner, s.people, s.person), salary, "the owner goes on seeing it")
			require.NotContains(t, s.told(s.viewer, s.people, s.person), salary)
			require.NotContains(t, s.told(s.viewer, s.teams, s.team), salary)
			rows, err := s.viewer.QueryAsOf(t.Context(), s.workspace, &lqp.Query{From: lqp.Source{Table: s.people.ID}}, livetables.AsOf{Time: then})
			require.NoError(t, err)
			defer rows.Close()
			for rows.Next() {
				for i := range rows.Columns {
					require.NotContains(t, rows.Value(i).String(), salary)
				}
			}
			require.NoError(t, rows.Err())
		})
	}
}

func (s *staff) column(t *minidb.Table, name string) string {
	s.t.Helper()
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return t.Columns[i].ID
		}
	}
	s.t.Fatalf("no column %s", name)
	return ""
}

func (s *staff) redefine(name, formula string) {
	s.t.Helper()
	_, err := s.owner.UpdateColumn(s.t.Context(), s.column(s.people, name), minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: formula}}, 0)
	require.NoError(s.t, err)
}

// TestChoiceInARule: a choice that the rule of a role names keeps its name until the rule is another one.
func TestChoiceInARule(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("Cases", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Status", Type: minidb.SingleSelectColumn,
		Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "Open"}, {Name: "Secret"}}}})
	w.insert(w.owner, tbl, []string{"a", "Open"}, []string{"b", "Secret"})
	require.NoError(t, w.owner.PutRule(t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer,
		Read: expr(t, `Status <> "Secret"`), Columns: map[string]rbac.Access{}}))
	options := tbl.Columns[1].Options
	rename := func(i int, name string) error {
		choices := append([]minidb.Choice(nil), options.Choices...)
		choices[i].Name = name
		options := options
		options.Choices = choices
		_, err := w.admin.UpdateColumn(t.Context(), tbl.Columns[1].ID, minidb.ColumnPatch{Options: &options}, 0)
		return err
	}
	var refused *minidb.ValidationError
	require.ErrorAs(t, rename(1, "Closed"), &refused)
	require.Len(t, w.rows(w.viewer, tbl.ID), 1)
	require.NoError(t, w.owner.DeleteRule(t.Context(), w.workspace, rbac.TableRef{Table: tbl.ID}, rbac.Viewer))
	require.NoError(t, rename(1, "Closed"))
}

// TestMoveTellsOfNoNeighbours: whether a row lies right behind another is not told to whom rows are hidden.
func TestMoveTellsOfNoNeighbours(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("List", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	ids := w.insert(w.owner, tbl, []string{"a"}, []string{"hidden"}, []string{"b"}, []string{"c"})
	require.NoError(t, w.owner.PutRule(t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor,
		Read: expr(t, `Name <> "hidden"`), Columns: map[string]rbac.Access{}}))
	move := func(row, after string) int {
		r, err := w.editor.MoveRows(t.Context(), tbl.ID, livetables.RowMove{Rows: []string{row}, After: after, DryRun: true})
		require.NoError(t, err)
		return r.Affected
	}
	require.Equal(t, move(ids[2], ids[0]), move(ids[3], ids[2]))
}
