package httpapi

import (
	"errors"
	"net/http"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
)

func userRoutes() []route {
	return []route{
		{method: "GET", path: api + "/users", handler: listUsers, params: []string{"limit", "cursor"}},
		{method: "POST", path: api + "/users", handler: createUser, body: bodyJSON},
		{method: "GET", path: api + "/users/{user}", handler: getUser},
		{method: "PATCH", path: api + "/users/{user}", handler: updateUser, body: bodyJSON},
		{method: "PUT", path: api + "/users/{user}", handler: updateUser, body: bodyJSON},
		{method: "DELETE", path: api + "/users/{user}", handler: deleteUser},
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

func deleteUser(c *call) error {
	if err := c.s.opt.Auth.DeleteUser(c.ctx(), c.who, c.id("user")); err != nil {
		return err
	}
	return c.noContent()
}

// accountByEmail finds an account for a member of a workspace.
func (c *call) accountByEmail(email string) (auth.User, error) {
	u, err := c.s.opt.Auth.UserByEmail(c.ctx(), email)
	if errors.Is(err, auth.ErrNotFound) {
		return u, invalidProblem("the member cannot be added", FieldError{Path: "$.email", Code: "unknown_account", Message: "no account has this email address"})
	}
	return u, err
}
