package exec

import (
	"regexp"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// readable puts the names that people know into a text of an explanation, in the place of generated ids. The native text of
// a source keeps the ids: it is what the source is sent.
type readable struct{ names *strings.Replacer }

func newReadable(q *lqp.Query) readable {
	pairs := map[string]string{}
	collectNames(q, pairs)
	var list []string
	for id, name := range pairs {
		list = append(list, id, name)
	}
	return readable{strings.NewReplacer(list...)}
}

func collectNames(q *lqp.Query, pairs map[string]string) {
	source := func(s *lqp.Source) {
		if s.Query != nil {
			collectNames(s.Query, pairs)
			return
		}
		if s.Schema == nil {
			return
		}
		if s.Schema.Label != "" {
			pairs[s.Schema.Name] = s.Schema.Label
		}
		for _, c := range s.Schema.Columns {
			if c.ID != c.Name {
				pairs[c.ID] = c.Name
			}
		}
	}
	source(&q.From)
	for i := range q.Joins {
		source(&q.Joins[i].Source)
	}
}

// hiddenNames are those that the rewriter and the executor give to columns which nobody is shown.
var hiddenNames = regexp.MustCompile(`\{?\x00(key|order|chunk)(\d+)\}?`)

func (r readable) text(s string) string {
	return hiddenNames.ReplaceAllString(r.names.Replace(s), "($1 $2)")
}

// Named is the explanation with the names of connections, by id, in its texts.
func (x Explanation) Named(connections map[string]string) Explanation {
	var pairs []string
	for id, name := range connections {
		pairs = append(pairs, id, name)
	}
	r := strings.NewReplacer(pairs...)
	x.Plan = r.Replace(x.Plan)
	for i := range x.Parts {
		x.Parts[i].Name = connections[x.Parts[i].Connection]
		x.Parts[i].Residual = r.Replace(x.Parts[i].Residual)
	}
	if x.Tree != nil {
		x.Tree.named(r)
	}
	return x
}

func (n *Node) named(r *strings.Replacer) {
	n.Text = r.Replace(n.Text)
	for _, in := range n.Inputs {
		in.named(r)
	}
}
