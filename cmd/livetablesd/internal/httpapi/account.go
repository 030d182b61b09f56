package httpapi

import (
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
)

// api is the root of all routes but the public ones.
const api = "/api/v1"

func accountRoutes() []route {
	return []route{
		{method: "POST", path: api + "/auth/setup", handler: setup, audience: everybody, body: bodyJSON},
		{method: "POST", path: api + "/auth/register", handler: register, audience: everybody, body: bodyJSON},
		{method: "POST", path: api + "/auth/login", handler: login, audience: everybody, body: bodyJSON},
		{method: "POST", path: api + "/auth/refresh", handler: refresh, audience: everybody, body: bodyJSON},
		{method: "POST", path: api + "/auth/logout", handler: logout, audience: everybody, body: bodyOptional},
		{method: "POST", path: api + "/auth/password", handler: changePassword, body: bodyJSON},
		{method: "GET", path: api + "/auth/me", handler: me},
		{method: "PATCH", path: api + "/auth/me", handler: updateMe, body: bodyJSON},
		{method: "GET", path: api + "/auth/sessions", handler: listSessions},
		{method: "DELETE", path: api + "/auth/sessions/{session}", handler: endSession},
	}
}

// userDocument is an account as the API shows it.
type userDocument struct {
	ID          string     `json:"id"`
	Email       string     `json:"email"`
	Name        string     `json:"name"`
	Admin       bool       `json:"admin"` // of the instance
	Disabled    bool       `json:"disabled"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	LastLoginAt *time.Time `json:"last_login_at"`
	VerifiedAt  *time.Time `json:"email_verified_at"` // null until the address was proved to be the account's
}

func userOf(u auth.User) userDocument { return userDocument(u) }

// tokenDocument is what a client keeps of a login. The refresh token is in the body and nowhere else: this version sets no
// cookies.
type tokenDocument struct {
	AccessToken      string       `json:"access_token"`
	TokenType        string       `json:"token_type"`
	ExpiresAt        time.Time    `json:"expires_at"`
	RefreshToken     string       `json:"refresh_token"`
	RefreshExpiresAt time.Time    `json:"refresh_expires_at"`
	SessionID        string       `json:"session_id"`
	User             userDocument `json:"user"`
}

func (c *call) tokens(status int, t auth.Tokens) error {
	return c.json(status, tokenDocument{
		AccessToken: t.Access.Reveal(), TokenType: "Bearer", ExpiresAt: t.AccessExpiresAt,
		RefreshToken: t.Refresh.Reveal(), RefreshExpiresAt: t.RefreshExpiresAt, SessionID: t.SessionID, User: userOf(t.User),
	})
}

type newAccount struct {
	Email       string            `json:"email"`
	Name        string            `json:"name"`
	Password    livetables.Secret `json:"password"`
	SetupToken  livetables.Secret `json:"setup_token"`
	InviteToken livetables.Secret `json:"invite_token"`
}

// setup makes the first account of an instance, which becomes its admin.
func setup(c *call) error {
	in, err := decode[newAccount](c)
	if err != nil {
		return err
	}
	_, open, err := c.s.opt.Auth.SetupToken(c.ctx())
	if err != nil {
		return err
	}
	if !open {
		return problemOf(http.StatusConflict, "setup_done", "the instance has accounts already")
	}
	return c.register(auth.Registration{Email: in.Email, Name: in.Name, Password: in.Password, SetupToken: in.SetupToken})
}

// register makes an account where the instance lets anybody do so, and for those who bring an invite.
func register(c *call) error {
	in, err := decode[newAccount](c)
	if err != nil {
		return err
	}
	if !in.InviteToken.IsZero() {
		return c.registerInvited(in)
	}
	return c.register(auth.Registration{Email: in.Email, Name: in.Name, Password: in.Password, SetupToken: in.SetupToken})
}

func (c *call) register(in auth.Registration) error {
	t, err := c.s.opt.Auth.Register(c.ctx(), in, c.client())
	if err != nil {
		return err
	}
	return c.tokens(http.StatusCreated, t)
}

func login(c *call) error {
	in, err := decode[struct {
		Email    string            `json:"email"`
		Password livetables.Secret `json:"password"`
	}](c)
	if err != nil {
		return err
	}
	t, err := c.s.opt.Auth.Login(c.ctx(), auth.Credentials{Email: in.Email, Password: in.Password}, c.client())
	if err != nil {
		return err
	}
	return c.tokens(http.StatusOK, t)
}

type refreshRequest struct {
	RefreshToken livetables.Secret `json:"refresh_token"`
}

func refresh(c *call) error {
	in, err := decode[refreshRequest](c)
	if err != nil {
		return err
	}
	t, err := c.s.opt.Auth.Refresh(c.ctx(), in.RefreshToken, c.client())
	if err != nil {
		return err
	}
	return c.tokens(http.StatusOK, t)
}

// logout ends the session of the access token, or of the refresh token when the access token has expired.
func logout(c *call) error {
	in, err := decode[refreshRequest](c)
	if err != nil {
		return err
	}
	if !in.RefreshToken.IsZero() {
		if err := c.s.opt.Auth.LogoutRefresh(c.ctx(), in.RefreshToken); err != nil {
			return err
		}
		return c.noContent()
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	if err := c.s.opt.Auth.Logout(c.ctx(), c.who); err != nil {
		return err
	}
	return c.noContent()
}

func changePassword(c *call) error {
	in, err := decode[struct {
		Current livetables.Secret `json:"current_password"`
		New     livetables.Secret `json:"new_password"`
	}](c)
	if err != nil {
		return err
	}
	t, err := c.s.opt.Auth.ChangePassword(c.ctx(), c.who, in.Current, in.New, c.client())
	if err != nil {
		return err
	}
	return c.tokens(http.StatusOK, t)
}

func me(c *call) error {
	u, err := c.s.opt.Auth.Me(c.ctx(), c.who)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, userOf(u))
}

func updateMe(c *call) error {
	in, err := decode[struct {
		Name *string `json:"name"`
	}](c)
	if err != nil {
		return err
	}
	u, err := c.s.opt.Auth.UpdateProfile(c.ctx(), c.who, auth.Profile{Name: in.Name})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, userOf(u))
}

type sessionDocument struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at"`
	ExpiresAt time.Time `json:"expires_at"`
	UserAgent string    `json:"user_agent"`
	Address   string    `json:"address"`
	Current   bool      `json:"current"`
}

func listSessions(c *call) error {
	found, err := c.s.opt.Auth.Sessions(c.ctx(), c.who)
	if err != nil {
		return err
	}
	list := make([]sessionDocument, len(found))
	for i, s := range found {
		list[i] = sessionDocument(s)
	}
	return c.list(list)
}

func endSession(c *call) error {
	if err := c.s.opt.Auth.RevokeSession(c.ctx(), c.who, c.id("session")); err != nil {
		return err
	}
	return c.noContent()
}
