package livetables

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// seesGone reports whether the principal may read what was in resources that are deleted. Their rules and caps were deleted
// with them, so that the log is the only one to know what they kept from whom: it is for those whom none can bind, or who
// may make themselves such.
func (s *entry) seesGone() bool { return s.standing(rbac.GrantAdmin) }

// tellOnly leaves of an entry that something happened, unless all of it may be shown. It is true.
func (s *entry) tellOnly(en *audit.Entry, all bool) bool {
	if !all {
		en.Before, en.After, en.Reason = nil, nil, ""
	}
	return true
}

// showAbout narrows an entry that is not about a table to what the principal could read of its resource elsewhere; false when
// that is nothing.
func (s *entry) showAbout(en *audit.Entry) bool {
	switch en.ResourceType {
	case "member":
		if en.Resource != s.p.ID && !s.standing(rbac.ManageMembers) {
			en.Before, en.After = without(en.Before, "attributes"), without(en.After, "attributes")
		}
		return true
	case "role":
		return s.tellOnly(en, s.standing(rbac.ManageRoles) || s.standing(rbac.ManageMembers) || rbac.Role(en.Resource) == s.policy.Role(s.p))
	case "workspace":
		return s.tellOnly(en, en.Action != "workspace.networks" || s.standing(rbac.UpdateWorkspace))
	case "attachment": // which table it is for is not said, and may be out of sight
		return en.Actor == s.p.ID || s.seesGone()
	case "project", "base", "view", "connection", "share", "share_key", "rule", "cap":
		return s.showPlaced(en)
	}
	return true
}

// showPlaced is showAbout for what has a place in the workspace.
func (s *entry) showPlaced(en *audit.Entry) bool {
	about := s.aboutWhat(en)
	if !s.Has(about) {
		// Who was kept from it, and how, went with it.
		if en.ResourceType == "rule" || en.ResourceType == "cap" {
			return s.seesGone()
		}
		return s.tellOnly(en, s.seesGone())
	}
	if _, connection := s.Connection(about); !s.readable(about) && !(connection && s.knowsConnection(about)) {
		return false // a closed base, view or connection is not there, nor who is kept from it
	}
	switch en.ResourceType {
	case "rule", "cap":
		return s.tellOnly(en, s.policy.Can(s.p, rbac.ManageRules, about).Allowed)
	case "connection":
		return s.tellOnly(en, s.policy.Can(s.p, rbac.ManageConnections, about).Allowed)
	case "view":
		if s.policy.Binds(s.p) { // a query of the past may name what is kept from the principal
			en.Before, en.After = without(en.Before, "query"), without(en.After, "query")
		}
	}
	return true
}

// aboutWhat is the id of the resource that decides whether an entry is shown: of a rule the table or connection that it is
// for, of a cap what it narrows, of a publication and its keys the view. What is gone is named by its own id.
func (s *entry) aboutWhat(en *audit.Entry) string {
	switch en.ResourceType {
	case "rule", "cap":
		if i := strings.IndexAny(en.Resource, ":/"); i >= 0 {
			return en.Resource[:i]
		}
	case "share":
		for _, image := range []json.RawMessage{en.Before, en.After} {
			var share minidb.Share
			if json.Unmarshal(image, &share) == nil && share.View != "" {
				return share.View
			}
		}
	case "share_key":
		for _, sh := range s.Shares {
			if slices.ContainsFunc(sh.Keys, func(k minidb.ShareKey) bool { return k.ID == en.Resource }) {
				return sh.View
			}
		}
	}
	return s.place(en.Resource)
}

// without is the image of a resource without some of its fields.
func without(image json.RawMessage, fields ...string) json.RawMessage {
	var doc map[string]json.RawMessage
	if len(image) == 0 || json.Unmarshal(image, &doc) != nil {
		return nil
	}
	for _, f := range fields {
		delete(doc, f)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil
	}
	return out
}
