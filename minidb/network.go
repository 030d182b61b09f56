package minidb

import (
	"context"
	"encoding/json"
	"net/netip"

	"github.com/livetables/livetables/audit"
)

// MaxNetworks is how many networks a workspace may list.
const MaxNetworks = 100

// scanNetworks reads stored networks. A list that cannot be read has one network that no address is in.
func scanNetworks(doc json.RawMessage) []netip.Prefix {
	var list []netip.Prefix
	if err := json.Unmarshal(doc, &list); err != nil {
		return []netip.Prefix{{}}
	}
	return list
}

// SetNetworks lists the networks from which sensitive actions are allowed in a workspace; an empty list allows them from
// everywhere.
func (db *DB) SetNetworks(ctx context.Context, actor Actor, workspace string, networks []netip.Prefix) error {
	type image struct {
		Networks json.RawMessage `json:"networks"`
	}
	return db.write(ctx, "set networks", actor, func(u *unit) error {
		if len(networks) > MaxNetworks {
			return &LimitError{Name: "networks", Max: MaxNetworks}
		}
		list := make([]netip.Prefix, len(networks))
		for i, n := range networks {
			if list[i] = n.Masked(); !n.IsValid() || n.Addr().Is4In6() {
				return invalid("networks", CodeInvalid, "%s is no network", n)
			}
		}
		doc, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if err := u.touch(workspace, true); err != nil {
			return err
		}
		old, err := must(u.session, "workspace", func(r record) json.RawMessage { return r.document(0) },
			`SELECT networks FROM lt_workspace WHERE id = ?`, argText(workspace))
		if err != nil {
			return err
		}
		if !json.Valid(old) {
			old = nil
		}
		if _, err := u.exec(`UPDATE lt_workspace SET networks = ? WHERE id = ?`, argText(string(doc)), argText(workspace)); err != nil {
			return err
		}
		return u.resource(audit.Entry{Workspace: workspace, Action: "workspace.networks", ResourceType: "workspace", Resource: workspace}, image{old}, image{doc})
	})
}
