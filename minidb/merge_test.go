package minidb_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

var bob = minidb.Actor{ID: "usr_bob"}

// merging is an update that began with a version of the row.
func (t *table) merging(id string, base int64, v values) *lqp.Mutation {
	m := t.update(id, base, v)
	m.Rows[0].Merge = true
	return m
}

// as applies one mutation of somebody.
func (t *table) as(who minidb.Actor, m *lqp.Mutation, g minidb.Guard) (minidb.RowResult, error) {
	r, err := t.Apply(t.ctx, who, []minidb.Write{{Table: t.Table, Mutation: m, Guard: g}})
	if err != nil {
		return minidb.RowResult{}, err
	}
	return r[0].Rows[0], nil
}

func TestMerge(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	id := g.add(values{"Name": text("A"), "Code": text("a"), "Stock": num(1)})[0]
	_, err := g.as(bob, g.update(id, 1, values{"Stock": num(2)}), minidb.Guard{})
	require.NoError(t, err)

	// Other columns, the same value, and values sent along unchanged go together.
	r, err := g.as(alice, g.merging(id, 1, values{"Name": text("B")}), minidb.Guard{})
	require.NoError(t, err)
	require.True(t, r.Merged)
	require.Equal(t, int64(3), r.Version)
	r, err = g.as(alice, g.merging(id, 1, values{"Name": text("A"), "Code": text("a"), "Stock": num(2)}), minidb.Guard{})
	require.NoError(t, err)
	require.False(t, r.Changed, "what the writer did not change stays as others made it")
	require.Equal(t, int64(3), r.Version)
	row := g.stored()[id]
	require.Equal(t, []lqp.Value{text("B"), num(2)}, []lqp.Value{row["Name"], row["Stock"]})
	r, err = g.as(alice, g.merging(id, 3, values{"Name": text("C")}), minidb.Guard{})
	require.NoError(t, err)
	require.False(t, r.Merged, "nothing to merge with")

	// The same column is a conflict that says what and who; nothing of the change is done.
	_, err = g.as(alice, g.merging(id, 1, values{"Code": text("z"), "Stock": num(7)}), minidb.Guard{})
	var c *minidb.ConflictError
	require.ErrorAs(t, err, &c)
	require.Equal(t, minidb.ConflictFields, c.Reason)
	require.True(t, c.Merge)
	require.Len(t, c.Fields, 1)
	f := c.Fields[0]
	require.Equal(t, g.id("Stock"), f.Column)
	require.Equal(t, []lqp.Value{num(1), num(7), num(2)}, []lqp.Value{f.Base, f.Mine, f.Theirs})
	require.Equal(t, "usr_bob", f.Actor)
	require.Equal(t, int64(2), f.Version)
	require.False(t, f.At.IsZero())
	require.Equal(t, text("a"), g.stored()[id]["Code"])

	// A version that must be the row's, none, and one to overwrite.
	_, err = g.as(alice, g.update(id, 1, values{"Code": text("z")}), minidb.Guard{})
	require.ErrorAs(t, err, &c)
	require.Equal(t, minidb.ConflictVersion, c.Reason)
	strict := minidb.Guard{RequireVersion: true}
	_, err = g.as(alice, g.update(id, 0, values{"Code": text("z")}), strict)
	require.ErrorIs(t, err, minidb.ErrVersionRequired)
	over := g.update(id, 0, values{"Code": text("z")})
	over.Rows[0].Overwrite = true
	_, err = g.as(alice, over, strict)
	require.NoError(t, err)
	over.Rows[0].Version = 5
	_, err = g.as(alice, over, strict)
	require.Equal(t, minidb.CodeInvalid, faultsOf(t, err)[0].Code)
	_, err = g.as(alice, &lqp.Mutation{Op: lqp.Delete, Rows: []lqp.RowChange{{ID: []lqp.Value{text(id)}, Version: 1, Merge: true}}}, minidb.Guard{})
	require.ErrorAs(t, err, &c)
	require.Equal(t, minidb.ConflictChanged, c.Reason, "a changed row is not deleted unseen")
}

func faultsOf(t testing.TB, err error) []minidb.FieldError {
	t.Helper()
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	return v.Fields
}

// TestMergeIsChecked: the merged row, not only the change, must be one that may be.
func TestMergeIsChecked(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	ids := g.add(values{"Name": text("A"), "Code": text("a"), "Stock": num(1)}, values{"Name": text("B"), "Code": text("b"), "Stock": num(1)})
	g.do(g.update(ids[0], 0, values{"Stock": num(9)}))

	_, err := g.as(bob, g.merging(ids[0], 1, values{"Code": text("b")}), minidb.Guard{})
	require.Equal(t, minidb.CodeUnique, faultsOf(t, err)[0].Code)
	_, err = g.as(bob, g.merging(ids[0], 1, values{"Name": lqp.NullValue}), minidb.Guard{})
	require.Equal(t, minidb.CodeRequired, faultsOf(t, err)[0].Code)

	// Each of two edits keeps the row within the rule, both together do not.
	rule := lqp.NewCall("or", g.where("lt", "Stock", num(5)), g.where("eq", "Name", text("A")))
	_, err = g.as(bob, g.merging(ids[0], 1, values{"Name": text("Z")}), minidb.Guard{Update: rule})
	require.ErrorIs(t, err, minidb.ErrForbidden)
	require.Equal(t, text("A"), g.stored()[ids[0]]["Name"])

	_, err = g.LockRow(g.ctx, alice, g.Table, ids[0], minidb.Guard{}, minidb.MaxLock)
	require.NoError(t, err)
	_, err = g.as(bob, g.merging(ids[0], 1, values{"Name": text("Z")}), minidb.Guard{})
	var locked *minidb.LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, alice.ID, locked.Holder)
}

// TestMergeTellsNothingHidden: what the log knows of a row's past is told as far as the writer could have seen it.
func TestMergeTellsNothingHidden(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	id := g.add(values{"Name": text("A"), "Code": text("secret"), "Stock": num(100)})[0]
	g.do(g.update(id, 0, values{"Stock": num(1), "Code": text("known")}))
	g.do(g.update(id, 0, values{"Stock": num(200)})) // out of sight
	g.do(g.update(id, 0, values{"Stock": num(3)}))
	sees := minidb.Guard{Read: g.where("lt", "Stock", num(50))}
	var c *minidb.ConflictError

	// Version 1 was never theirs to see: neither its value nor whether it is the one that was guessed.
	for _, guess := range []string{"secret", "other", "known"} {
		_, err := g.as(bob, g.merging(id, 1, values{"Code": text(guess)}), sees)
		require.ErrorAs(t, err, &c, guess)
		require.Equal(t, minidb.ConflictBase, c.Reason, guess)
		require.Empty(t, c.Fields)
	}
	_, err := g.as(bob, g.merging(id, 2, values{"Stock": num(8)}), sees)
	require.ErrorAs(t, err, &c)
	require.Equal(t, num(3), c.Fields[0].Theirs)
	require.Equal(t, int64(4), c.Fields[0].Version)

	g.do(g.update(id, 0, values{"Stock": num(200)}))
	_, err = g.as(bob, g.merging(id, 2, values{"Name": text("x")}), sees)
	require.ErrorIs(t, err, minidb.ErrNotFound)

	// The same of a deletion: told to those who saw the row go.
	g.do(g.delete(0, id))
	_, err = g.as(bob, g.merging(id, 2, values{"Name": text("x")}), sees)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	require.False(t, errors.As(err, new(*minidb.ConflictError)))
	for _, m := range []*lqp.Mutation{g.merging(id, 2, values{"Name": text("x")}), g.update(id, 5, values{"Name": text("x")}), g.delete(5, id)} {
		_, err = g.as(bob, m, minidb.Guard{})
		require.ErrorAs(t, err, &c)
		require.Equal(t, minidb.ConflictDeleted, c.Reason)
		require.Equal(t, alice.ID, c.Deleted.Actor)
		require.Equal(t, int64(6), c.Current)
	}
	_, err = g.as(bob, g.update(id, 0, values{"Name": text("x")}), minidb.Guard{})
	require.False(t, errors.As(err, new(*minidb.ConflictError)), "who has seen no version is told nothing")
	require.ErrorIs(t, err, minidb.ErrNotFound)
	up := &lqp.Mutation{Op: lqp.Upsert, Rows: []lqp.RowChange{{ID: []lqp.Value{text(id)}, Version: 5, Set: g.set(values{"Name": text("x")})}}}
	_, err = g.as(bob, up, minidb.Guard{})
	require.ErrorAs(t, err, &c, "an upsert that has seen the row does not bring it back")
}

// TestMergeWithoutTheLog: a base that retention has taken is a conflict that says so.
func TestMergeWithoutTheLog(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	id := g.add(values{"Name": text("A"), "Stock": num(1)})[0]
	g.do(g.update(id, 0, values{"Stock": num(2)}))
	forget := func(version int64) {
		require.NoError(t, g.Adapter().Write(g.ctx, func(tx adapter.Tx) error {
			_, err := tx.Exec(g.ctx, `DELETE FROM lt_change WHERE resource = ? AND version = ?`, text(id), num(version))
			return err
		}))
	}
	forget(1)
	r, err := g.as(alice, g.merging(id, 1, values{"Name": text("B")}), minidb.Guard{})
	require.NoError(t, err, "what the next change found is the base too")
	require.True(t, r.Merged)
	forget(2)
	_, err = g.as(alice, g.merging(id, 1, values{"Name": text("C")}), minidb.Guard{})
	var c *minidb.ConflictError
	require.ErrorAs(t, err, &c)
	require.Equal(t, minidb.ConflictBase, c.Reason)
	require.NotEmpty(t, c.Values)
}
