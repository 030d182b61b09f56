package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func memberRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/members", handler: listMembers},
		{method: "POST", path: api + "/workspaces/{workspace}/members", handler: addMember, body: bodyJSON},
		{method: "PUT", path: api + "/workspaces/{workspace}/members/{user}", handler: setMember, body: bodyJSON},
		{method: "DELETE", path: api + "/workspaces/{workspace}/members/{user}", handler: removeMember},
	}
}

// memberDocument is a member of a workspace. Email is shown only to those who manage the members.
type memberDocument struct {
	User  string    `json:"user_id"`
	Kind  string    `json:"kind"` // "person" or "service_account"
	Role  rbac.Role `json:"role"`
	Name  string    `json:"name"`
	Email string    `json:"email,omitempty"`
	// Attributes are shown to those who manage the members and to the member.
	Attributes minidb.Attributes `json:"attributes,omitempty"`
}

func listMembers(c *call) error {
	workspace := c.id("workspace")
	members, err := c.access.MemberList(c.ctx(), workspace)
	if err != nil {
		return err
	}
	manages, err := c.allowed(workspace, rbac.ManageMembers)
	if err != nil {
		return err
	}
	services, err := c.serviceNames(workspace)
	if err != nil {
		return err
	}
	list := make([]memberDocument, 0, len(members))
	for _, one := range members {
		id := one.User
		m := memberDocument{User: id, Kind: memberKind(id), Role: one.Role, Name: services[id], Attributes: one.Attributes}
		if auth.IsServiceAccount(id) {
			list = append(list, m)
			continue
		}
		u, err := c.s.opt.Auth.User(c.ctx(), id)
		if err != nil && !errors.Is(err, auth.ErrNotFound) { // a deleted account is still a member until removed
			return err
		}
		m.Name = u.Name
		if manages {
			m.Email = u.Email
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b memberDocument) int { return strings.Compare(a.User, b.User) })
	return c.list(list)
}

// addMember takes an account into a workspace by its id, which the caller must know already (known). People are asked in by
// address with an invite, which does not tell whether the address has an account.
func addMember(c *call) error {
	workspace := c.id("workspace")
	if err := c.may(workspace, rbac.ManageMembers); err != nil {
		return err
	}
	in, err := decode[struct {
		User string    `json:"user_id"`
		Role rbac.Role `json:"role"`
	}](c)
	if err != nil {
		return err
	}
	if err := c.access.MayAddMember(c.ctx(), workspace, in.Role); err != nil {
		return err
	}
	members, err := c.access.Members(c.ctx(), workspace)
	if err != nil {
		return err
	}
	if _, ok := members[in.User]; ok {
		return problemOf(http.StatusConflict, livetables.CodeExists, "the account is a member already; PUT changes its role")
	}
	u, err := c.known(in.User)
	if err != nil {
		return err
	}
	m, err := c.access.SetMember(c.ctx(), workspace, u.ID, in.Role)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/workspaces/"+workspace+"/members/"+u.ID)
	return c.json(http.StatusCreated, memberDocument{User: m.User, Kind: memberKind(m.User), Role: m.Role, Name: u.Name, Email: u.Email})
}

// known is an account that the caller can know of: it shares a workspace with the caller, or the caller is an admin of the
// instance. Any other id is answered like one that nobody has.
func (c *call) known(user string) (auth.User, error) {
	unknown := invalidProblem("the member cannot be added", FieldError{Path: "$.user_id", Code: "unknown_account",
		Message: "no account with this id shares a workspace with you; invite people by their address"})
	shared := c.who.Admin
	if !shared {
		mine, err := c.access.Workspaces(c.ctx())
		if err != nil {
			return auth.User{}, err
		}
		for _, w := range mine {
			members, err := c.access.Members(c.ctx(), w.ID)
			// Deleted or left since the list was read, or closed to where the caller is.
			if err != nil && !errors.Is(err, livetables.ErrNotFound) && !errors.Is(err, livetables.ErrForbidden) {
				return auth.User{}, err
			}
			if _, shared = members[user]; shared {
				break
			}
		}
	}
	if !shared {
		return auth.User{}, unknown
	}
	u, err := c.s.opt.Auth.User(c.ctx(), user)
	if errors.Is(err, auth.ErrNotFound) {
		return u, unknown
	}
	return u, err
}

// setMember changes a member's role or attributes; a request is one change. Accounts that are no members are added by POST or
// asked in by an invite.
func setMember(c *call) error {
	workspace, user := c.id("workspace"), c.id("user")
	if err := c.may(workspace, rbac.ManageMembers); err != nil {
		return err
	}
	in, err := decode[struct {
		Role       rbac.Role            `json:"role"`
		Attributes map[string]attribute `json:"attributes"`
	}](c)
	if err != nil {
		return err
	}
	if in.Role != "" && in.Attributes != nil {
		return invalidProblem("role and attributes are changed one after the other",
			FieldError{Path: "$.attributes", Code: minidb.CodeInvalid, Message: "leave out role, or attributes"})
	}
	members, err := c.access.Members(c.ctx(), workspace)
	if err != nil {
		return err
	}
	if _, ok := members[user]; !ok {
		return minidb.ErrNotFound
	}
	if auth.IsServiceAccount(user) {
		if err := serviceRole("$.role", in.Role); err != nil {
			return err
		}
	}
	if in.Attributes != nil {
		return c.setAttributes(workspace, user, in.Attributes)
	}
	m, err := c.access.SetMember(c.ctx(), workspace, user, in.Role)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, memberDocument{User: m.User, Kind: memberKind(m.User), Role: m.Role, Attributes: m.Attributes})
}

func removeMember(c *call) error {
	workspace, user := c.id("workspace"), c.id("user")
	if err := c.access.RemoveMember(c.ctx(), workspace, user); err != nil {
		return err
	}
	// Invites that the member made say nothing any more, and none may bring the member back.
	if err := c.s.opt.Auth.DropInvites(c.ctx(), workspace, user); err != nil {
		return err
	}
	return c.noContent()
}
