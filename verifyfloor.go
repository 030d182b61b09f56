package livetables

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/audit"
)

// The log of a workspace whose beginning was cut is verified from its floor on. The floor has to be what the newest entry about
// a cut says, which is an entry of the chain like others: a beginning that somebody else removed is missed.

// below looks at an entry below the floor, which is about to be removed. Some of those before it may be gone by now.
func (v *verifier) below(ctx context.Context, e *audit.Entry) error {
	floor := &v.report.Floor
	var digest []byte
	digest, v.working = audit.Digest(e, v.working)
	last := e.Chain.Sequence == floor.Sequence
	switch {
	case e.Chain.Sequence <= v.sequence || e.Chain.Sequence > floor.Sequence:
		v.fault(audit.Inserted, e.Chain.Sequence, e.Position, "it is below the floor and was not cut")
	case !bytes.Equal(digest, e.Chain.Hash):
		v.fault(audit.Changed, e.Chain.Sequence, e.Position, "it does not have the hash that it was written with")
	case e.Chain.Sequence == v.sequence+1 && !bytes.Equal(e.Chain.Prev, v.report.Hash):
		v.fault(audit.Changed, e.Chain.Sequence, e.Position, "it was written after another entry")
	case last && !bytes.Equal(e.Chain.Hash, floor.Hash):
		v.fault(audit.BadFloor, e.Chain.Sequence, e.Position, "the floor of the log has the hash of another entry")
	case last:
		return v.anchor(ctx)
	default:
		v.sequence, v.position, v.report.Hash = e.Chain.Sequence, e.Position, e.Chain.Hash
	}
	return nil
}

// anchor goes on behind the floor.
func (v *verifier) anchor(ctx context.Context) error {
	floor := &v.report.Floor
	v.sequence, v.position, v.report.Hash = floor.Sequence, floor.Position, floor.Hash
	v.heads, v.headsFrom, v.headsRead = nil, floor.Sequence-1, false
	return v.signed(ctx, &audit.Entry{Position: floor.Position, Chain: &audit.Link{Sequence: floor.Sequence, Hash: floor.Hash}})
}

// tells keeps what an entry about a cut says.
func (v *verifier) tells(e *audit.Entry) {
	if e.Action != audit.CutAction {
		return
	}
	v.told = audit.LogCut{}
	if json.Unmarshal(e.After, &v.told) != nil {
		v.fault(audit.BadFloor, e.Chain.Sequence, e.Position, "the entry does not say what was cut")
	}
}

// floorTold reports whether the log begins where its newest entry about a cut says; otherwise that is the fault.
func (v *verifier) floorTold() bool {
	floor, told := &v.report.Floor, &v.told.Chain
	switch {
	case floor.Sequence > told.Sequence:
		v.fault(audit.Missing, told.Sequence+1, 0, fmt.Sprintf("the log begins after entry %d, and no entry tells of the cut", floor.Sequence))
	case floor.Sequence < told.Sequence || !bytes.Equal(floor.Hash, told.Hash):
		v.fault(audit.BadFloor, floor.Sequence, floor.Position, fmt.Sprintf("the store has the floor at entry %d, and the log says that it was cut up to entry %d", floor.Sequence, told.Sequence))
	}
	return v.report.Fault == nil
}
