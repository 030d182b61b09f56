package realtime

import (
	"context"
	"encoding/json"
	"time"
)

// Position is a place in the stream of a room. Offsets are dense within an epoch; another epoch means that the stream was
// created anew and offsets cannot be compared.
type Position struct {
	Epoch  string `json:"epoch"`
	Offset int64  `json:"offset"`
	// Pos is an opaque token by which the stream's owner finds the place again, in another epoch and on another instance
	// too. Offsets count what this subscriber was sent; they cannot say how much it was not allowed to see.
	Pos string `json:"pos,omitempty"`
}

// Event is one committed change of a table, with both row images: whether a receiver may know of it can only be decided
// from them, since a deleted or changed row can no longer be looked up. Events must not be shown to clients unfiltered.
type Event struct {
	Workspace string          `json:"workspace_id"`
	Table     string          `json:"table_id"`
	Offset    int64           `json:"offset"`   // the table's own, dense; 0 for events without one
	Position  int64           `json:"position"` // and the batch: as audit.Entry has them
	Batch     string          `json:"batch,omitempty"`
	Action    string          `json:"action"` // as audit.Entry.Action
	Resource  string          `json:"resource_id"`
	Version   int64           `json:"version"`
	Actor     string          `json:"actor"`
	At        time.Time       `json:"at"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
}

// Broker moves events. Its methods may be called from many goroutines.
type Broker interface {
	// Publish hands over events of consecutive changes. An error means they may not have arrived; the relay tries again.
	Publish(ctx context.Context, events []Event) error
	// Subscribe delivers events of one table to the returned channel until ctx ends, when the channel is closed. A
	// receiver too slow for the broker's buffer misses events: it sees the gap in Offset and reads the log.
	Subscribe(ctx context.Context, workspace, table string) (<-chan Event, error)
}

// Quiet is a [Broker] that can tell when nobody would hear of an event, such as one within a process. Changes need not be read from the
// log for it then.
type Quiet interface {
	Broker
	// Quiet reports that there is no subscription. One that is made while it is asked may be missed.
	Quiet() bool
}
