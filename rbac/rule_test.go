package rbac

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/livetables/livetables/lqp"
)

func TestRulesOfARoleAndOfItsBase(t *testing.T) {
	ref := TableRef{Table: "t"}
	one, two := lqp.NewCall("eq", lqp.Ref("", "a"), lqp.Literal(lqp.IntValue(1))), lqp.NewCall("eq", lqp.Ref("", "b"), lqp.Literal(lqp.IntValue(2)))
	mask, other := lqp.Literal(lqp.TextValue("*")), lqp.Literal(lqp.TextValue("#"))
	p := studio()
	p.Caps = nil
	p.Rules = map[TableRef]map[Role]TableRule{ref: {
		Editor: {Read: one, Create: one, Columns: map[string]Access{"h": Hidden, "m": Masked, "s": Masked, "d": Masked, "w": ReadOnly, "odd": "whatever"},
			Masks: map[string]lqp.Expr{"m": mask, "s": mask, "d": mask}},
		"rol_clerk": {Read: two, Columns: map[string]Access{"h": ReadOnly, "m": ReadOnly, "s": Masked, "d": Masked, "w": Masked, "own": Hidden},
			Masks: map[string]lqp.Expr{"s": mask, "d": other, "w": other}},
	}}
	got := p.Table(Principal{ID: "k"}, ref)
	assert.True(t, lqp.EqualExpr(lqp.And(one, two), got.Read))
	assert.Equal(t, one, got.Create)
	assert.Nil(t, got.Update)
	assert.Equal(t, map[string]Access{"h": Hidden, "m": Masked, "s": Masked, "d": Masked, "w": Masked, "own": Hidden, "odd": "whatever"}, got.Columns)
	assert.Equal(t, map[string]lqp.Expr{"m": mask, "s": mask, "w": other}, got.Masks, "of two masks that differ nothing is left to show")
	assert.Equal(t, map[string]lqp.Expr{"s": mask, "d": other, "w": other}, p.Rules[ref]["rol_clerk"].Masks, "the policy itself is not changed")

	assert.Equal(t, p.Rules[ref][Editor], p.Table(Principal{ID: "e"}, ref), "a built-in role has its own rule alone")
	assert.Equal(t, TableRule{}, p.Table(Principal{ID: "o"}, ref))
	p.Rules[ref][Owner] = TableRule{Closed: true}
	assert.Equal(t, TableRule{}, p.Table(Principal{ID: "o"}, ref), "no rule binds owners")
	delete(p.Rules[ref], "rol_clerk")
	assert.Equal(t, p.Rules[ref][Editor], p.Table(Principal{ID: "k"}, ref))
	p.Rules[ref][Editor] = TableRule{Closed: true}
	assert.True(t, p.Table(Principal{ID: "k"}, ref).Closed)
}
