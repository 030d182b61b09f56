package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
)

// keyRoots are the first segments of the routes that the bearers of personal access tokens and of service accounts' keys may
// call: those of data. Whatever else there is, or will be, is for people who have logged in.
var keyRoots = []string{"workspaces", "projects", "bases", "tables", "views", "connections", "templates", "audit-logs", "jobs", "trash"}

// takesKeys reports whether a route may be called with a key.
func (r *route) takesKeys() bool {
	if r.audience != accounts || r.people {
		return false
	}
	rest, ok := strings.CutPrefix(r.path, api+"/")
	root, _, _ := strings.Cut(rest, "/")
	return ok && slices.Contains(keyRoots, root)
}

// personNeeded is the refusal of a key on a route for people.
func personNeeded() *Problem {
	return problemOf(http.StatusForbidden, "login_required", "this is for people who have logged in; tokens and keys may not do it")
}

// sponsored refuses the key of a service account whose maker could no longer give the account its role and act as it: what somebody has
// made must not do what they themselves may not. It asks the policy of this moment.
func (s *Server) sponsored(ctx context.Context, who auth.Identity) error {
	if who.Service == nil {
		return nil
	}
	refused := func(err error) error {
		switch livetables.Code(err) {
		case livetables.CodeNotFound, livetables.CodeForbidden, livetables.CodeInvalid:
			return errors.Join(auth.ErrUnauthenticated, err)
		}
		return err
	}
	maker := rbac.Principal{ID: who.Service.Maker, Address: who.Service.MakerAddress}
	if err := s.opt.Engine.As(maker).MayStandFor(ctx, who.Service.Workspace, who.UserID); err != nil {
		return refused(err)
	}
	return nil
}

// Readmit is the Options.Readmit of the engine: the principal of a job that goes on, if the session or key that it was begun with
// still counts.
func (s *Server) Readmit(ctx context.Context, was rbac.Principal) (rbac.Principal, error) {
	who, err := s.opt.Auth.Readmit(ctx, was.ID, was.Proof)
	if err == nil {
		err = s.sponsored(ctx, who)
	}
	if errors.Is(err, auth.ErrUnauthenticated) {
		return rbac.Principal{}, errors.Join(livetables.ErrRevoked, err)
	}
	if err != nil {
		return rbac.Principal{}, err
	}
	p := s.standing(who)
	p.Request, p.Address = was.Request, was.Address
	return p, nil
}

// principalOf is an identity as the engine knows it.
func principalOf(who auth.Identity) rbac.Principal {
	return rbac.Principal{ID: who.UserID, Scope: who.Scope}
}
