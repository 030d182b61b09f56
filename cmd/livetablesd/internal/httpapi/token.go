package httpapi

import (
	"net/http"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
)

func tokenRoutes() []route {
	return []route{
		{method: "GET", path: api + "/auth/tokens", handler: listTokens},
		{method: "POST", path: api + "/auth/tokens", handler: createToken, body: bodyJSON, reveals: true},
		{method: "DELETE", path: api + "/auth/tokens", handler: deleteTokens},
		{method: "DELETE", path: api + "/auth/tokens/{token}", handler: deleteToken},
		{method: "POST", path: api + "/auth/revoke-everything", handler: revokeEverything},
	}
}

// personalTokenDocument is a personal access token as its person sees it: without the token.
type personalTokenDocument struct {
	ID        string        `json:"id"`
	Prefix    string        `json:"prefix"`
	Name      string        `json:"name"`
	Scopes    []rbac.Action `json:"scopes"`
	Resources []string      `json:"resources"`
	CreatedAt time.Time     `json:"created_at"`
	ExpiresAt time.Time     `json:"expires_at"`
	UsedAt    *time.Time    `json:"last_used_at"`
}

func personalTokenOf(t auth.PersonalToken) personalTokenDocument {
	return personalTokenDocument{ID: t.ID, Prefix: t.Prefix, Name: t.Name, Scopes: orEmpty(t.Scope.Actions), Resources: orEmpty(t.Scope.Resources),
		CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, UsedAt: t.UsedAt}
}

func listTokens(c *call) error {
	found, err := c.s.opt.Auth.Tokens(c.ctx(), c.who)
	if err != nil {
		return err
	}
	list := make([]personalTokenDocument, len(found))
	for i, t := range found {
		list[i] = personalTokenOf(t)
	}
	return c.list(list)
}

// createToken makes a personal access token and shows it, this once.
func createToken(c *call) error {
	in, err := decode[struct {
		Name      string        `json:"name"`
		Scopes    []rbac.Action `json:"scopes"`
		Resources []string      `json:"resources"`
		ExpiresAt time.Time     `json:"expires_at"`
	}](c)
	if err != nil {
		return err
	}
	text, made, err := c.s.opt.Auth.CreateToken(c.ctx(), c.who, auth.NewToken{
		Name: in.Name, Scope: rbac.Scope{Actions: in.Scopes, Resources: in.Resources}, ExpiresAt: in.ExpiresAt,
	}, c.client())
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, struct {
		Token string `json:"token"`
		personalTokenDocument
	}{text.Reveal(), personalTokenOf(made)})
}

func deleteToken(c *call) error {
	if err := c.s.opt.Auth.DeleteToken(c.ctx(), c.who, c.id("token")); err != nil {
		return err
	}
	return c.noContent()
}

func deleteTokens(c *call) error {
	n, err := c.s.opt.Auth.DeleteTokens(c.ctx(), c.who)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, struct {
		Deleted int64 `json:"deleted"`
	}{n})
}

// revokeEverything ends every session, token and key of the caller, the present session too.
func revokeEverything(c *call) error {
	if err := c.s.opt.Auth.RevokeEverything(c.ctx(), c.who, c.client()); err != nil {
		return err
	}
	return c.noContent()
}
