package livetables_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func formulaColumn(name, text string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: text}}
}

func throughColumn(name string, kind minidb.ColumnType, target, aggregate, filter string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: kind, Options: minidb.ColumnOptions{
		Through: &minidb.Through{Link: "People", Target: target, Aggregate: aggregate, Filter: filter}}}
}

// staff are people and the teams they are linked to, with columns computed from columns that rules close.
type staff struct {
	*world
	people, teams *minidb.Table
	person, team  string
}

func newStaff(t *testing.T) *staff {
	s := &staff{world: newWorld(t)}
	s.people = s.table("People", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Salary", Type: minidb.IntegerColumn},
		minidb.ColumnSpec{Name: "Phone", Type: minidb.TextColumn}, formulaColumn("Loud", "UPPER(Name)"), formulaColumn("Double", "Salary * 2"),
		formulaColumn("Chain", "Double + 1"), formulaColumn("Call", `"tel:" & Phone`))
	s.person = s.insert(s.owner, s.people, []string{"ann", "100", "0301"})[0]
	s.teams = s.table("Teams", minidb.ColumnSpec{Name: "Team", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "People", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: s.people.ID}}},
		throughColumn("Names", minidb.LookupColumn, "Name", "", ""), throughColumn("Cost", minidb.RollupColumn, "Double", "sum", ""),
		throughColumn("Rich", minidb.CountColumn, "", "", "Chain > 50"), throughColumn("Size", minidb.CountColumn, "", "", ""),
		formulaColumn("Twice", "Cost * 2"))
	res, err := s.owner.Apply(t.Context(), s.workspace, &lqp.Mutation{Op: lqp.Insert, Table: s.teams.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{
		{Column: "Team", Value: lqp.TextValue("a")}, {Column: "People", Value: lqp.ListValue([]lqp.Value{lqp.TextValue(s.person)})}}}}})
	require.NoError(t, err)
	s.team = res[0].Rows[0].ID
	return s
}

func (s *staff) rule(role rbac.Role, table *minidb.Table, read string, columns map[string]rbac.Access) {
	s.t.Helper()
	spec := livetables.RuleSpec{Table: rbac.TableRef{Table: table.ID}, Role: role, Columns: map[string]rbac.Access{}}
	if read != "" {
		spec.Read = expr(s.t, read)
	}
	for i := range table.Columns {
		if a, ok := columns[table.Columns[i].Name]; ok {
			spec.Columns[table.Columns[i].ID] = a
		}
	}
	require.NoError(s.t, s.owner.PutRule(s.t.Context(), s.workspace, spec))
}

// sees lists the columns that somebody is shown of a table.
func (s *staff) sees(a *livetables.Access, table *minidb.Table) string {
	s.t.Helper()
	t, err := a.Table(s.t.Context(), table.ID)
	require.NoError(s.t, err)
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

func TestComputedColumnsCloseWithWhatTheyRead(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	const everyTeam = "Team People Names Cost Rich Size Twice"
	require.Equal(t, "Name Salary Phone Loud Double Chain Call", s.sees(s.viewer, s.people))
	require.Equal(t, everyTeam, s.sees(s.viewer, s.teams))

	s.rule(rbac.Viewer, s.people, "", map[string]rbac.Access{"Salary": rbac.Hidden, "Phone": rbac.Masked})
	require.Equal(t, "Name Phone Loud", s.sees(s.viewer, s.people), "hidden, masked, and what is made of them")
	require.Equal(t, "Team People Names Size", s.sees(s.viewer, s.teams), "through the link too")
	require.Equal(t, everyTeam, s.sees(s.editor, s.teams))
	for table, names := range map[*minidb.Table][]string{s.people: {"Double", "Chain", "Call"}, s.teams: {"Cost", "Rich", "Twice"}} {
		for _, name := range names {
			from := lqp.Source{Table: table.ID, Alias: "t"}
			for what, q := range map[string]lqp.Query{
				"shown":    {Select: cols(t, name)},
				"filtered": {Where: expr(t, `{`+name+`} = BLANK()`), Select: cols(t, "_id")},
				"sorted":   {OrderBy: order(t, name), Select: cols(t, "_id")},
				"summed":   {Aggregates: []lqp.Aggregate{{Name: "m", Func: "max", Arg: expr(t, name)}}},
			} {
				q.From = from
				_, err := s.viewer.Query(ctx, s.workspace, &q)
				var problems lqp.Problems
				require.ErrorAs(t, err, &problems, "%s %s", name, what)
				require.Equal(t, lqp.CodeUnknownColumn, problems[0].Code)
				rows, err := s.editor.Query(ctx, s.workspace, &q)
				require.NoError(t, err)
				require.NoError(t, rows.Close())
			}
		}
	}
	entries, err := s.viewer.RowHistory(ctx, s.teams.ID, s.team, livetables.HistoryFilter{})
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, e := range entries {
		for _, name := range []string{"Cost", "Rich", "Twice"} {
			require.NotContains(t, string(e.After), name)
			require.NotContains(t, string(e.After), column(s.teams, name))
		}
		require.Contains(t, string(e.After), column(s.teams, "Names"))
	}

	// A row rule on the linked table closes all that looks at its rows, counts of them too.
	s.rule(rbac.Viewer, s.people, `Name = "bob"`, nil)
	require.Equal(t, "Team People", s.sees(s.viewer, s.teams))
	require.Equal(t, "Name Salary Phone Loud Double Chain Call", s.sees(s.viewer, s.people), "rows that are seen are whole")
	// So does a cap that closes the table.
	require.NoError(t, s.owner.DeleteRule(ctx, s.workspace, rbac.TableRef{Table: s.people.ID}, rbac.Viewer))
	require.Equal(t, everyTeam, s.sees(s.viewer, s.teams))
	_, err = s.owner.SetCap(ctx, s.people.ID, rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing})
	require.NoError(t, err)
	require.Equal(t, "Team People", s.sees(s.viewer, s.teams))
	// A rule for the computed column itself closes it and opens nothing.
	s.rule(rbac.Editor, s.people, "", map[string]rbac.Access{"Salary": rbac.Hidden, "Double": rbac.ReadOnly})
	require.Equal(t, "Name Phone Loud Call", s.sees(s.editor, s.people))
}

func column(t *minidb.Table, name string) string {
	for _, c := range t.Columns {
		if c.Name == name {
			return c.ID
		}
	}
	return "no such column"
}

func TestNobodyComputesFromWhatIsKeptFromThem(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	s.rule(rbac.Admin, s.people, "", map[string]rbac.Access{"Salary": rbac.Hidden, "Phone": rbac.Masked})
	for _, text := range []string{"Salary + 1", "Double + 1", column(s.people, "Salary") + " + 1", `Phone & ""`, "Nonsense"} {
		_, err := s.admin.AddColumn(ctx, s.people.ID, formulaColumn("New", text), 0)
		var problems lqp.Problems
		require.ErrorAs(t, err, &problems, text)
		require.Equal(t, lqp.CodeUnknownColumn, problems[0].Code, text)
		report, err := s.admin.CheckFormula(ctx, s.people.ID, text, "")
		require.NoError(t, err)
		require.False(t, report.Valid)
		require.Equal(t, lqp.CodeUnknownColumn, report.Errors[0].Code, text)
		require.NotContains(t, report.Errors[0].Message, "Salary\"?")
	}
	for _, spec := range []minidb.ColumnSpec{throughColumn("New", minidb.RollupColumn, "Salary", "sum", ""), throughColumn("New", minidb.LookupColumn, "Double", "", ""),
		throughColumn("New", minidb.CountColumn, "", "", "Salary > 1")} {
		_, err := s.admin.AddColumn(ctx, s.teams.ID, spec, 0)
		require.Error(t, err)
	}
	c, err := s.admin.AddColumn(ctx, s.people.ID, formulaColumn("New", `LEN( {Name} ) /* long */`), 0)
	require.NoError(t, err)
	require.Equal(t, `LEN( Name ) /* long */`, c.Options.Formula, "as people wrote it, by the names of today")
	require.Equal(t, []string{column(s.people, "Name")}, c.Computed.Reads)
	require.Equal(t, "number", c.Options.Result.Type)
	// A row rule on people keeps counts of them from being made.
	s.rule(rbac.Admin, s.people, `Name = "bob"`, nil)
	_, err = s.admin.AddColumn(ctx, s.teams.ID, throughColumn("New", minidb.CountColumn, "", "", ""), 0)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = s.owner.AddColumn(ctx, s.teams.ID, throughColumn("New", minidb.CountColumn, "", "", ""), 0)
	require.NoError(t, err)
}

func TestFormulasAreCheckedBeforeTheyAreMade(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	r, err := s.viewer.CheckFormula(ctx, s.people.ID, `Salary * 2 > 10`, column(s.people, "Double"))
	require.NoError(t, err)
	require.True(t, r.Valid)
	require.Equal(t, "bool", r.Result.Type)
	require.Equal(t, "number", r.Was.Type)
	require.Equal(t, []string{column(s.people, "Salary")}, r.Reads)
	for text, want := range map[string]string{"Salary + Salry": lqp.CodeUnknownColumn, "TODAY()": minidb.CodeVolatile, `IF(Salary > 1, NOW(), NOW())`: minidb.CodeVolatile, "Chain + 1": lqp.CodeCycle, "UPPR(Name)": lqp.CodeUnknownFunction} {
		r, err = s.viewer.CheckFormula(ctx, s.people.ID, text, column(s.people, "Double"))
		require.NoError(t, err)
		require.False(t, r.Valid)
		require.Equal(t, want, r.Errors[0].Code, text)
		require.Nil(t, r.Result)
		if want == lqp.CodeUnknownColumn {
			require.Equal(t, [2]int{9, 14}, [2]int{r.Errors[0].From, r.Errors[0].To})
			require.Contains(t, r.Errors[0].Message, "Salary", "what was probably meant")
		}
		if want == minidb.CodeVolatile {
			require.Contains(t, r.Errors[0].Message, "() changes with time")
			require.Contains(t, r.Errors[0].Message, "compute it in a view instead")
		}
	}
	_, err = s.stranger.CheckFormula(ctx, s.people.ID, "1", "")
	require.ErrorIs(t, err, livetables.ErrNotFound)
}

func TestFormulaThatWouldBreakARuleIsRefused(t *testing.T) {
	s := newStaff(t)
	s.rule(rbac.Viewer, s.people, `Double > 10`, nil)
	_, err := s.owner.UpdateColumn(t.Context(), column(s.people, "Double"), minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: `Name & "!"`}}, 0)
	var ve *minidb.ValidationError
	require.ErrorAs(t, err, &ve)
	require.Equal(t, "rule", ve.Fields[0].Code)
	_, err = s.owner.UpdateColumn(t.Context(), column(s.people, "Double"), minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: `Salary * 3`}}, 0)
	require.NoError(t, err)
	rows, err := s.viewer.Query(t.Context(), s.workspace, &lqp.Query{From: lqp.Source{Table: s.people.ID}, Select: cols(t, "Double")})
	require.Equal(t, []string{"300"}, all(t, rows, err))
}
