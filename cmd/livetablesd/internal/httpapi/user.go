package httpapi

import (
	"errors"
	"net/http"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
)

func userRoutes() []route {
	return []route{
		{method: "GET", path: api + "/users", handler: listUsers, params: []string{"limit", "cursor"}},
		{method: "POST", path: api + "/users", handler: createUser, body: bodyJSON},
		{method: "GET", path: api + "/users/{user}", handler: getUser},
		{method: "PATCH", path: api + "/users/{user}", handler: updateUser, body: bodyJSON},
		{method: "PUT", path: api + "/users/{user}", handler: updateUser, body: bodyJSON},
		{method: "DELETE", path: api + "/users/{user}", handler: deleteUser},
		{method: "DELETE", path: api + "/users/{user}/sessions", handler: endUserSessions},
	}
}

func listUsers(c *call) error {
	limit, err := c.params.integer("limit", 100, 1, 1000)
	if err != nil {
		return err
	}
	found, more, err := c.s.opt.Auth.ListUsers(c.ctx(), c.who, c.params.text("cursor"), limit)
	if err != nil {
		return err
	}
	list := make([]userDocument, len(found))
	for i, u := range found {
		list[i] = userOf(u)
	}
	out := listing{Data: list, Page: page{More: more}}
	if more {
		out.Page.Next = &list[len(list)-1].ID
	}
	return c.json(http.StatusOK, out)
}

// endUserSessions logs an account out everywhere.
func endUserSessions(c *call) error {
	ended, err := c.s.opt.Auth.RevokeUserSessions(c.ctx(), c.who, c.id("user"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]int64{"ended": ended})
}

func createUser(c *call) error {
	in, err := decode[struct {
		Email    string            `json:"email"`
		Name     string            `json:"name"`
		Password livetables.Secret `json:"password"`
		Admin    bool              `json:"admin"`
	}](c)
	if err != nil {
		return err
	}
	u, err := c.s.opt.Auth.CreateUser(c.ctx(), c.who, auth.NewUser{Email: in.Email, Name: in.Name, Password: in.Password, Admin: in.Admin})
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/users/"+u.ID)
	return c.json(http.StatusCreated, userOf(u))
}

// getUser shows an account to itself and to instance admins; to others no account exists.
func getUser(c *call) error {
	id := c.id("user")
	if !c.who.Admin && id != c.who.UserID {
		return problemOf(http.StatusForbidden, livetables.CodeForbidden, auth.ErrForbidden.Error())
	}
	u, err := c.s.opt.Auth.User(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, userOf(u))
}

func updateUser(c *call) error {
	in, err := decode[struct {
		Email    *string            `json:"email"`
		Name     *string            `json:"name"`
		Password *livetables.Secret `json:"password"`
		Admin    *bool              `json:"admin"`
		Disabled *bool              `json:"disabled"`
	}](c)
	if err != nil {
		return err
	}
	u, err := c.s.opt.Auth.UpdateUser(c.ctx(), c.who, c.id("user"), auth.UserUpdate(*in))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, userOf(u))
}

// deleteUser removes an account, unless a workspace would be left without an owner. Disabling it is the way that always
// works.
func deleteUser(c *call) error {
	if c.who.Admin {
		if err := c.keepOwners(c.id("user")); err != nil {
			return err
		}
	}
	if err := c.s.opt.Auth.DeleteUser(c.ctx(), c.who, c.id("user")); err != nil {
		return err
	}
	return c.noContent()
}

// keepOwners is an error when an account is the only owner of a workspace.
func (c *call) keepOwners(user string) error {
	as := c.s.opt.Engine.As(rbac.Principal{ID: user, Request: c.w.request})
	list, err := as.Workspaces(c.ctx())
	if err != nil {
		return err
	}
	for _, w := range list {
		members, err := as.Members(c.ctx(), w.ID)
		if errors.Is(err, livetables.ErrNotFound) || errors.Is(err, livetables.ErrForbidden) { // no owner, and perhaps no member any more
			continue
		}
		if err != nil {
			return err
		}
		owners := 0
		for _, role := range members {
			if role == rbac.Owner {
				owners++
			}
		}
		if members[user] == rbac.Owner && owners == 1 {
			return problemOf(http.StatusConflict, livetables.CodeLastOwner, "the account is the only owner of a workspace; hand that over or delete it first, or disable the account")
		}
	}
	return nil
}
