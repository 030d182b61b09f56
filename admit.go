package livetables

import (
	"context"

	"github.com/livetables/livetables/rbac"
)

// Entrance is a principal that is let into a workspace to do one thing there. What its request does in all may take several.
type Entrance struct {
	Principal rbac.Principal
	Workspace string
	Action    rbac.Action
	// PolicyVersion is that of the policy that allowed it: it changes with every change of members, roles and rules.
	PolicyVersion int64
}

// AdmitFunc is asked at each entrance, after the policy has allowed it and before anything is done: the place to count what
// a workspace is asked for, and to bound how much of that runs at once. An outsider's request never gets here, so that
// nobody uses up what belongs to others.
//
// It may wait, but holds the request up for as long. Its error ends the request and reaches the caller as it is, inside
// others. ctx is that of the call of the [Access], or made from it. It is called from many goroutines and must not call the
// engine.
type AdmitFunc func(ctx context.Context, e Entrance) error
