package lqp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPathsOfDocumentsAreColumns resolves address.city, written as a source and its column, where there is no such source.
func TestPathsOfDocumentsAreColumns(t *testing.T) {
	text := Type{Kind: Text}
	people := ScopeSource{Alias: "p", Columns: []Column{{ID: "address.city", Name: "address.city", Type: text}, {ID: "a.b.c", Name: "a.b.c", Type: text}, {ID: "city", Name: "city", Type: text}}}
	for _, test := range []struct {
		name   string
		ref    *Col
		scope  Scope
		source string
		column string // empty for a problem
	}{
		{"a path", Ref("address", "city"), Scope{people}, "p", "address.city"},
		{"a longer path", Ref("a", "b.c"), Scope{people}, "p", "a.b.c"},
		{"a source comes first", Ref("address", "city"), Scope{people, {Alias: "address", Columns: people.Columns[2:]}}, "address", "city"},
		{"in two sources", Ref("address", "city"), Scope{people, {Alias: "q", Columns: people.Columns}}, "", ""},
		{"neither", Ref("address", "street"), Scope{people}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := BindExpr(test.ref, test.scope, Env{})
			if test.column == "" {
				require.ErrorContains(t, err, "no source is called")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.source, e.(*Col).Source)
			require.Equal(t, test.column, e.(*Col).Column)
		})
	}
}
