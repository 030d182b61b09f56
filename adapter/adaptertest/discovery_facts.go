package adaptertest

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Facts are what a source may tell about its tables besides columns and keys. The suite asks for those that the harness
// says its Load declares.
type Facts struct {
	Comments bool // Fixture.Comment and Column.Comment
	Defaults bool // Column.Default
	Views    bool // Fixture.View
	Rows     bool // Table.Rows is an estimate, within a factor of ten, or unknown
}

// The names of the fixtures of facts.
const (
	told   = "lt_told"   // comments and defaults
	viewed = "lt_viewed" // a view of told
)

// factFixtures are the tables that only sources with such facts get.
func factFixtures(facts Facts) (all []*Fixture) {
	if !facts.Comments && !facts.Defaults && !facts.Views {
		return nil
	}
	t := &Fixture{Name: told, Key: []string{"id"}, Columns: []Column{
		{Name: "id", Type: keyType}, {Name: "n", Type: intType}, {Name: "s", Type: textType}, {Name: "plain", Type: textType},
	}}
	if facts.Comments {
		t.Comment = `all that is "told", it's said`
		t.Columns[1].Comment = "how many; 100% 'sure' \\ or not"
	}
	if facts.Defaults {
		t.Columns[1].Default, t.Columns[2].Default = lqp.IntValue(7), lqp.TextValue("it's")
	}
	for n := range int64(5) {
		t.Rows = append(t.Rows, []lqp.Value{lqp.IntValue(n), lqp.IntValue(n * 2), lqp.TextValue("s"), lqp.NullValue})
	}
	all = append(all, t)
	if facts.Views {
		v := *t
		v.Name, v.View, v.Key, v.Comment = viewed, told, nil, ""
		v.Columns = append([]Column(nil), t.Columns...)
		for i := range v.Columns {
			v.Columns[i].Comment, v.Columns[i].Default = "", lqp.NullValue
			v.Columns[i].Type = v.Columns[i].Type.Nullable()
		}
		all = append(all, &v)
	}
	return all
}

// facts holds what discovery tells besides columns and keys against what was declared.
func (s *suite) facts(t T, f *Fixture, table *lqp.Table) {
	kind := lqp.BaseTable
	if f.View != "" {
		kind = lqp.ViewTable
	}
	if table.Kind != kind {
		t.Errorf("kind %q instead of %q", table.Kind, kind)
	}
	if s.h.Facts.Comments && f.View == "" && table.Comment != f.Comment {
		t.Errorf("comment %q instead of %q", table.Comment, f.Comment)
	}
	for i := range table.Columns {
		c := &table.Columns[i]
		want := f.Columns[f.column(c.ID)]
		if s.h.Facts.Comments && f.View == "" && c.Comment != want.Comment {
			t.Errorf("column %s has the comment %q instead of %q", c.ID, c.Comment, want.Comment)
		}
		// Some sources fill whole-number keys by themselves.
		wrong := c.HasDefault && !slices.Contains(f.Key, c.ID)
		if !want.Default.IsNull() {
			wrong = !c.HasDefault
		}
		if s.h.Facts.Defaults && f.View == "" && wrong {
			t.Errorf("column %s: HasDefault is %v, its declared default is %s", c.ID, c.HasDefault, want.Default)
		}
		if c.ReadOnly {
			t.Errorf("column %s is reported as computed by the source", c.ID)
		}
	}
	if n := int64(len(f.Rows)); s.h.Facts.Rows && table.Rows >= 0 && (table.Rows > 10*n+10 || 10*table.Rows+10 < n) {
		t.Errorf("estimate of %d rows, there are %d", table.Rows, n)
	}
	if table.Rows < -1 {
		t.Errorf("estimate of %d rows; unknown is -1", table.Rows)
	}
}
