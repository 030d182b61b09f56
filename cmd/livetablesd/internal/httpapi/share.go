package httpapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func shareRoutes() []route {
	return []route{
		{method: "GET", path: api + "/views/{view}/api", handler: getShare},
		{method: "POST", path: api + "/views/{view}/api", handler: publish, body: bodyJSON},
		{method: "PUT", path: api + "/views/{view}/api", handler: republish, body: bodyJSON},
		{method: "DELETE", path: api + "/views/{view}/api", handler: unpublish},
		{method: "POST", path: api + "/views/{view}/api/keys", handler: addKey, body: bodyOptional, reveals: true},
		{method: "DELETE", path: api + "/views/{view}/api/keys/{key}", handler: revokeKey},
	}
}

func getShare(c *call) error {
	sh, err := c.access.Share(c.ctx(), c.id("view"))
	if err != nil {
		return err
	}
	return c.versioned(http.StatusOK, sh.Version, sh)
}

type shareRequest struct {
	Slug string `json:"slug"`
	Mode string `json:"mode"` // "key", the default, or "public"
}

// publish puts a view under a slug. Who is told that it is published already is told nothing new: the right is asked first.
func publish(c *call) error {
	in, err := decode[shareRequest](c)
	if err != nil {
		return err
	}
	switch _, err := c.access.Share(c.ctx(), c.id("view")); {
	case err == nil:
		return problemOf(http.StatusConflict, livetables.CodeExists, "the view is published already; PUT changes how")
	case !errors.Is(err, livetables.ErrNotFound):
		return err
	}
	return c.share(http.StatusCreated, in)
}

func republish(c *call) error {
	in, err := decode[shareRequest](c)
	if err != nil {
		return err
	}
	if _, err := c.access.Share(c.ctx(), c.id("view")); err != nil {
		return err
	}
	return c.share(http.StatusOK, in)
}

func (c *call) share(status int, in *shareRequest) error {
	if in.Mode == "" {
		in.Mode = minidb.ShareKeyed
	}
	sh, err := c.access.Publish(c.ctx(), c.id("view"), in.Slug, in.Mode)
	if err != nil {
		return err
	}
	return c.versioned(status, sh.Version, sh)
}

func unpublish(c *call) error {
	if err := c.access.Unpublish(c.ctx(), c.id("view")); err != nil {
		return err
	}
	return c.noContent()
}

// addKey makes a key and shows it, this once.
func addKey(c *call) error {
	in, err := decode[struct {
		ExpiresAt *time.Time `json:"expires_at"`
	}](c)
	if err != nil {
		return err
	}
	var expires time.Time
	if in.ExpiresAt != nil {
		if expires = *in.ExpiresAt; !expires.After(c.s.opt.Clock()) {
			return invalidProblem("the key cannot be made", FieldError{Path: "$.expires_at", Code: lqp.CodeArgument, Message: "the time is past"})
		}
	}
	key, stored, err := c.access.AddKey(c.ctx(), c.id("view"), expires)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, struct {
		Key string `json:"key"`
		*minidb.ShareKey
	}{key, stored})
}

func revokeKey(c *call) error {
	if err := c.access.RevokeKey(c.ctx(), c.id("view"), c.id("key")); err != nil {
		return err
	}
	return c.noContent()
}
