package livetables

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// planKey writes what a plan depends on besides the catalogue and the policy: who asks, the limits, and the query without its
// cursor. Every part has its length before it or is of a fixed one, so that two different askings never have the same key.
type planKey struct {
	buf []byte
	// holes are the texts that were left out of the key; at most room.
	holes []lqp.Value
	room  int
	// unfit says that the query has something in it that keys say nothing of.
	unfit bool
}

var planKeys = sync.Pool{New: func() any { return &planKey{} }}

// maxHoles is how many texts of a query are left out of its key at most.
const maxHoles = 8

// write makes the key of a query for an entry, with at most room holes.
func (k *planKey) write(s *entry, q *lqp.Query, room int) {
	k.buf, k.holes, k.room, k.unfit = k.buf[:0], k.holes[:0], room, false
	k.principal(&s.p)
	k.number(int64(s.limits.PageRows))
	k.number(int64(s.limits.MaxPageRows))
	k.query(q, true)
}

func (k *planKey) number(n int64) { k.buf = binary.AppendVarint(k.buf, n) }

func (k *planKey) text(s string) {
	k.buf = append(binary.AppendUvarint(k.buf, uint64(len(s))), s...)
}

func (k *planKey) flag(b bool) {
	if b {
		k.buf = append(k.buf, 1)
	} else {
		k.buf = append(k.buf, 0)
	}
}

// principal writes all of a principal that policies go by. Request, Proof and Valid are for records and for what goes on after
// the request.
func (k *planKey) principal(p *rbac.Principal) {
	k.text(p.ID)
	k.text(p.View)
	k.text(p.Key)
	k.text(p.Address)
	k.flag(p.Scope != nil)
	if p.Scope != nil {
		k.number(int64(len(p.Scope.Actions)))
		for _, a := range p.Scope.Actions {
			k.text(string(a))
		}
		k.number(int64(len(p.Scope.Resources)))
		for _, id := range p.Scope.Resources {
			k.text(id)
		}
	}
	k.number(int64(len(p.Attributes)))
	if len(p.Attributes) > 0 {
		for _, name := range slices.Sorted(maps.Keys(p.Attributes)) {
			k.text(name)
			k.value(p.Attributes[name])
		}
	}
}

func (k *planKey) query(q *lqp.Query, top bool) {
	k.source(&q.From)
	k.number(int64(len(q.Joins)))
	for i := range q.Joins {
		k.text(string(q.Joins[i].Kind))
		k.source(&q.Joins[i].Source)
		k.expr(q.Joins[i].On)
	}
	if top && len(q.Joins) == 0 && q.From.Query == nil && k.room > 0 {
		k.where(q.Where)
	} else {
		k.expr(q.Where)
	}
	k.named(q.Compute)
	k.named(q.GroupBy)
	k.number(int64(len(q.Aggregates)))
	for i := range q.Aggregates {
		a := &q.Aggregates[i]
		k.text(a.Name)
		k.text(a.Func)
		k.expr(a.Arg)
		k.expr(a.Filter)
		k.orders(a.OrderBy)
	}
	k.expr(q.Having)
	k.named(q.Select)
	k.orders(q.OrderBy)
	k.number(int64(q.Page.Limit))
	k.number(int64(q.Page.Offset))
	k.unfit = k.unfit || len(q.Page.After) > 0 || !top && q.Page.Cursor != ""
	k.text(string(q.Count))
	k.text(q.TimeZone)
}

func (k *planKey) source(s *lqp.Source) {
	k.text(s.Connection)
	k.text(s.Table)
	k.text(s.Alias)
	k.flag(s.Query != nil)
	if s.Query != nil {
		k.query(s.Query, false)
	}
}

func (k *planKey) named(list []lqp.Named) {
	k.number(int64(len(list)))
	for i := range list {
		k.text(list[i].Name)
		k.expr(list[i].Expr)
	}
}

func (k *planKey) orders(list []lqp.Order) {
	k.number(int64(len(list)))
	for i := range list {
		o := &list[i]
		k.expr(o.Expr)
		k.number(int64(o.Nulls))
		k.flag(o.Desc)
		k.flag(o.Whole)
		k.flag(o.Manual)
	}
}

// where writes a condition whose conjuncts may have holes.
func (k *planKey) where(e lqp.Expr) {
	c, ok := e.(*lqp.Call)
	if !ok {
		k.expr(e)
		return
	}
	switch at := holeIn(c); {
	case c.Func == "and":
		k.call(c, k.where)
	case at >= 0 && len(k.holes) < k.room:
		k.holes = append(k.holes, c.Args[at].(*lqp.Lit).Val)
		k.buf = append(k.buf, 'h', byte(at))
		k.expr(c.Args[1-at])
	default:
		k.expr(c)
	}
}

// holeIn is the argument of a comparison of a column with a text in whose place a plan is the same for any other such text, below
// 0 for none: one that no source takes for anything but a text of usual length.
func holeIn(c *lqp.Call) int {
	if c.Func != "eq" || len(c.Args) != 2 {
		return -1
	}
	for at := range c.Args {
		l, isLit := c.Args[at].(*lqp.Lit)
		if _, isCol := c.Args[1-at].(*lqp.Col); isLit && isCol && plainText(l.Val) {
			return at
		}
	}
	return -1
}

// maxHoleText is below every length from which on texts are treated otherwise.
const maxHoleText = 128

func plainText(v lqp.Value) bool {
	if v.Kind() != lqp.Text {
		return false
	}
	s := v.Text()
	return s != "" && len(s) <= maxHoleText && s[len(s)-1] != ' ' && strings.IndexByte(s, 0) < 0 && utf8.ValidString(s)
}

// withHoles is a condition with constants in its holes, which are found as where finds them.
func withHoles(e lqp.Expr, constants []*lqp.Lit) (lqp.Expr, []*lqp.Lit) {
	c, ok := e.(*lqp.Call)
	if !ok || len(constants) == 0 {
		return e, constants
	}
	at := holeIn(c)
	if c.Func != "and" && at < 0 {
		return e, constants
	}
	punched := *c
	punched.Args = slices.Clone(c.Args)
	if at >= 0 {
		punched.Args[at] = constants[0]
		return &punched, constants[1:]
	}
	for i, a := range c.Args {
		punched.Args[i], constants = withHoles(a, constants)
	}
	return &punched, constants
}

func (k *planKey) call(c *lqp.Call, arg func(lqp.Expr)) {
	k.buf = append(k.buf, 'f')
	k.text(c.Func)
	k.number(int64(len(c.Args)))
	for _, a := range c.Args {
		arg(a)
	}
}

// maxPlanKey bounds a key, and with it what is written for nothing of a query that is too long.
const maxPlanKey = 16 << 10

func (k *planKey) expr(e lqp.Expr) {
	if len(k.buf) > maxPlanKey {
		k.unfit = true
		return
	}
	switch e := e.(type) {
	case nil:
		k.buf = append(k.buf, '0')
	case *lqp.Lit:
		k.buf = append(k.buf, 'l')
		k.literal(e)
	case *lqp.Col:
		k.buf = append(k.buf, 'c')
		k.text(e.Source)
		k.text(e.Column)
	case *lqp.Call:
		k.call(e, k.expr)
	case *lqp.ListLit:
		k.buf = append(k.buf, 'i')
		k.number(int64(len(e.Items)))
		for _, it := range e.Items {
			k.literal(it)
		}
	case *lqp.Param:
		k.buf = append(k.buf, 'p')
		k.text(e.Name)
	default:
		k.unfit = true
	}
}

func (k *planKey) literal(l *lqp.Lit) {
	t := l.Type()
	k.number(int64(t.Kind))
	k.number(int64(t.Elem))
	k.number(int64(t.Precision))
	k.number(int64(t.Scale))
	k.number(int64(t.MaxLen))
	k.flag(t.NotNull)
	k.flag(t.ASCII)
	k.value(l.Val)
}

func (k *planKey) value(v lqp.Value) {
	k.number(int64(v.Kind()))
	switch v.Kind() {
	case lqp.Null:
	case lqp.Bool:
		k.flag(v.Bool())
	case lqp.Number:
		k.text(v.Decimal().String())
	case lqp.Float:
		k.buf = binary.BigEndian.AppendUint64(k.buf, math.Float64bits(v.Float()))
	case lqp.Text, lqp.JSON, lqp.Bytes:
		k.text(v.Text())
	case lqp.Date:
		k.number(v.Days())
	case lqp.DateTime:
		k.number(v.Millis())
	case lqp.List:
		k.number(int64(len(v.Items())))
		for _, it := range v.Items() {
			k.value(it)
		}
	default:
		k.unfit = true
	}
}
