package httpapi

import "github.com/livetables/livetables"

func addressRoutes() []route {
	return []route{
		{method: "POST", path: api + "/auth/address", handler: requestAddress, body: bodyJSON},
		{method: "POST", path: api + "/auth/address/verify", handler: requestVerification, body: bodyOptional},
		{method: "POST", path: api + "/auth/address/confirm", handler: confirmAddress, body: bodyJSON},
	}
}

// requestAddress asks for another email address of the caller's account. Whether it is somebody's already is told to the
// reader of its mail only.
func requestAddress(c *call) error {
	in, err := decode[struct {
		Email    string            `json:"email"`
		Password livetables.Secret `json:"password"`
	}](c)
	if err != nil {
		return err
	}
	if err := c.s.opt.Auth.RequestAddress(c.ctx(), c.who, in.Email, in.Password, c.client()); err != nil {
		return err
	}
	return c.accepted("the address counts once the token in the mail to it is confirmed")
}

// requestVerification asks for a mail to the caller's own address.
func requestVerification(c *call) error {
	if _, err := decode[struct{}](c); err != nil {
		return err
	}
	if err := c.s.opt.Auth.RequestVerification(c.ctx(), c.who); err != nil {
		return err
	}
	return c.accepted("a mail is on its way")
}

// confirmAddress takes the token of either mail, from the account that asked for it.
func confirmAddress(c *call) error {
	in, err := decode[struct {
		Token livetables.Secret `json:"token"`
	}](c)
	if err != nil {
		return err
	}
	if err := c.s.opt.Auth.ConfirmAddress(c.ctx(), c.who, in.Token, c.client()); err != nil {
		return err
	}
	return c.noContent()
}
