package livetables

import (
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// bounded reports whether something keeps the principal from part of what is behind a connection.
func (s *entry) bounded(connection string) bool {
	if s.policy.Can(s.p, rbac.GrantAdmin, "").Allowed {
		return false
	}
	role := s.policy.Role(s.p)
	own := []rbac.Role{role, s.policy.Roles[role].Base}
	for table, byRole := range s.policy.Rules {
		for _, r := range own {
			if _, bound := byRole[r]; bound && table.Connection == connection {
				return true
			}
		}
	}
	return false
}

// mayLead refuses to let somebody get around the rules of a connection by changing or deleting it, or by leading another
// one, new or changed, to the same file: servers ask for credentials again, files do not. changed is empty for a new one.
func (s *entry) mayLead(changed string, file string) error {
	if changed != "" && s.bounded(changed) {
		return fmt.Errorf("rules of the connection bind you; it is changed by owners: %w", ErrForbidden)
	}
	if file == "" {
		return nil
	}
	for _, c := range s.Snapshot.Connections {
		closed := !s.policy.Can(s.p, rbac.ManageConnections, c.ID).Allowed || s.readable("") && !s.readable(c.ID)
		if !closed && !s.bounded(c.ID) {
			continue
		}
		if same, err := s.sameFile(c, file); err != nil || same {
			return fmt.Errorf("the file is not for you to connect to: %w", ErrForbidden)
		}
	}
	return nil
}

// sameFile reports whether a connection leads to a file.
func (s *entry) sameFile(c *minidb.Connection, file string) (bool, error) {
	spec, err := storedSpec(c)
	if err != nil || spec.File == "" {
		return false, err
	}
	to, err := s.e.sources.file(s.Workspace.ID, file)
	if err != nil {
		return false, err
	}
	at, err := s.e.sources.file(s.Workspace.ID, spec.File)
	if err != nil {
		return spec.File == file, nil //nolint:nilerr // what is gone is nowhere: its name is what is left of it
	}
	return at == to, nil
}
