package httpapi

import (
	"net/http"

	"github.com/livetables/livetables"
)

func resetRoutes() []route {
	return []route{
		{method: "POST", path: api + "/auth/reset", handler: requestReset, audience: everybody, body: bodyJSON},
		{method: "POST", path: api + "/auth/reset/confirm", handler: confirmReset, audience: everybody, body: bodyJSON},
	}
}

// requestReset asks for a mail with which a new password can be set. Everybody is told the same.
func requestReset(c *call) error {
	in, err := decode[struct {
		Email string `json:"email"`
	}](c)
	if err != nil {
		return err
	}
	if err := c.s.opt.Auth.RequestReset(c.ctx(), in.Email, c.client()); err != nil {
		return err
	}
	return c.accepted("if the address has an account, a mail is on its way")
}

// confirmReset sets the new password. It gives no tokens: whoever has it logs in.
func confirmReset(c *call) error {
	in, err := decode[struct {
		Token    livetables.Secret `json:"token"`
		Password livetables.Secret `json:"password"`
	}](c)
	if err != nil {
		return err
	}
	if err := c.s.opt.Auth.ConfirmReset(c.ctx(), in.Token, in.Password, c.client()); err != nil {
		return err
	}
	return c.noContent()
}

// accepted says that something will be done.
func (c *call) accepted(message string) error {
	return c.json(http.StatusAccepted, struct {
		Message string `json:"message"`
	}{message})
}
