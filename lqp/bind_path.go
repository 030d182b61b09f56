package lqp

import "strconv"

// clausePath leads to a place of a query. It becomes text for a problem only: most queries have none, and the texts would
// be a good part of what binding costs.
type clausePath struct {
	block  string // path of the block
	clause string // key of the clause, empty for a path that is block alone
	index  int    // of the element, below 0 for the clause as a whole
	rest   string // leads on inside the element: ".expr"
}

// clause is the path of a clause as a whole.
func (b *block) clause(key string) clausePath {
	return clausePath{block: b.path, clause: key, index: -1}
}

// element is the path of an element of a clause, or of what the rest leads to inside it.
func (b *block) element(clause string, i int, rest string) clausePath {
	return clausePath{b.path, clause, i, rest}
}

// at is the path of what the rest leads to.
func (p clausePath) at(rest string) clausePath {
	p.rest += rest
	return p
}

// String is the path as problems have it: "$.joins[0].on".
func (p clausePath) String() string {
	if p.clause == "" {
		return p.block + p.rest
	}
	path := p.block + "." + p.clause
	if p.index >= 0 {
		path += "[" + strconv.Itoa(p.index) + "]"
	}
	return path + p.rest
}
