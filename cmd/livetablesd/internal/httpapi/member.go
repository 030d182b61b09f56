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
	Role  rbac.Role `json:"role"`
	Name  string    `json:"name"`
	Email string    `json:"email,omitempty"`
}

func listMembers(c *call) error {
	workspace := c.id("workspace")
	members, err := c.access.Members(c.ctx(), workspace)
	if err != nil {
		return err
	}
	manages, err := c.allowed(workspace, rbac.ManageMembers)
	if err != nil {
		return err
	}
	list := make([]memberDocument, 0, len(members))
	for id, role := range members {
		m := memberDocument{User: id, Role: role}
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

// addMember takes an account into a workspace by its email address.
func addMember(c *call) error {
	workspace := c.id("workspace")
	if err := c.may(workspace, rbac.ManageMembers); err != nil {
		return err
	}
	in, err := decode[struct {
		Email string    `json:"email"`
		Role  rbac.Role `json:"role"`
	}](c)
	if err != nil {
		return err
	}
	if in.Role.AtLeast(rbac.Admin) {
		if err := c.may(workspace, rbac.GrantAdmin); err != nil {
			return err
		}
	}
	u, err := c.accountByEmail(in.Email)
	if err != nil {
		return err
	}
	members, err := c.access.Members(c.ctx(), workspace)
	if err != nil {
		return err
	}
	if _, ok := members[u.ID]; ok {
		return problemOf(http.StatusConflict, livetables.CodeExists, "the account is a member already; PUT changes its role")
	}
	m, err := c.access.SetMember(c.ctx(), workspace, u.ID, in.Role)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/workspaces/"+workspace+"/members/"+u.ID)
	return c.json(http.StatusCreated, memberDocument{User: m.User, Role: m.Role, Name: u.Name, Email: u.Email})
}

// setMember changes a member's role. Accounts that are no members are added by POST, which knows them by address.
func setMember(c *call) error {
	workspace, user := c.id("workspace"), c.id("user")
	if err := c.may(workspace, rbac.ManageMembers); err != nil {
		return err
	}
	in, err := decode[struct {
		Role rbac.Role `json:"role"`
	}](c)
	if err != nil {
		return err
	}
	members, err := c.access.Members(c.ctx(), workspace)
	if err != nil {
		return err
	}
	if _, ok := members[user]; !ok {
		return minidb.ErrNotFound
	}
	m, err := c.access.SetMember(c.ctx(), workspace, user, in.Role)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, memberDocument{User: m.User, Role: m.Role})
}

func removeMember(c *call) error {
	if err := c.access.RemoveMember(c.ctx(), c.id("workspace"), c.id("user")); err != nil {
		return err
	}
	return c.noContent()
}
