package mongodb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// schema makes columns of what documents of a collection held. The root's seen is the count of documents.
type schema struct {
	columns []lqp.Column
	skipped []string // paths that no column can have
	cut     bool     // there are more columns than a table may have
}

func newSchema(root *sample) *schema {
	s := &schema{}
	s.add(root, "", root.seen)
	if s.column("_id") == nil && !slices.ContainsFunc(s.columns, func(c lqp.Column) bool { return strings.HasPrefix(c.ID, "_id.") }) {
		// Nothing was seen: what servers and drivers give documents by themselves.
		s.put("_id", storage{form: objectIDForm}, "")
	}
	slices.SortStableFunc(s.columns, func(a, b lqp.Column) int { return isID(b.ID) - isID(a.ID) })
	return s
}

func isID(name string) int {
	if name == "_id" || strings.HasPrefix(name, "_id.") {
		return 1
	}
	return 0
}

func (s *schema) column(id string) *lqp.Column {
	for i := range s.columns {
		if s.columns[i].ID == id {
			return &s.columns[i]
		}
	}
	return nil
}

func (s *schema) put(path string, st storage, comment string) {
	if len(s.columns) >= maxColumns {
		s.cut = true
		return
	}
	s.columns = append(s.columns, lqp.Column{
		ID: path, Name: path, Type: st.lqpType(), Native: st.native(), Comment: comment, HasDefault: path == "_id",
	})
}

// add puts the columns of a document's fields. around is how many such documents were seen.
func (s *schema) add(of *sample, prefix string, around int) {
	for name := range of.skipped {
		s.skipped = append(s.skipped, prefix+name)
	}
	for _, f := range of.fields {
		path := prefix + f.name
		st, document := f.storage()
		if document {
			s.add(f, path+".", f.counts[kindDocument])
			continue
		}
		s.put(path, st, f.statistics(around))
	}
}

// comment tells people how the schema was found.
func (s *schema) comment(sampled int, estimate int64) string {
	var b strings.Builder
	if int64(sampled) >= estimate {
		fmt.Fprintf(&b, "Columns inferred from all %d documents.", sampled)
	} else {
		fmt.Fprintf(&b, "Columns inferred from %d of about %d documents.", sampled, estimate)
	}
	if n := len(s.skipped); n > 0 {
		slices.Sort(s.skipped)
		shown := make([]string, 0, 5)
		for _, name := range s.skipped[:min(n, cap(shown))] {
			shown = append(shown, fmt.Sprintf("%.60q", name))
		}
		more := ""
		if n > len(shown) {
			more = fmt.Sprintf(" and %d more", n-len(shown))
		}
		fmt.Fprintf(&b, " Fields left out because of their names: %s%s.", strings.Join(shown, ", "), more)
	}
	if s.cut {
		fmt.Fprintf(&b, " Fields beyond %d columns are left out.", maxColumns)
	}
	return b.String()
}
