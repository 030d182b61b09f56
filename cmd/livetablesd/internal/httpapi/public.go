package httpapi

import (
	"errors"
	"net/http"
	"slices"

	"github.com/livetables/livetables"
)

func publicRoutes() []route {
	return []route{
		{method: "GET", path: "/public/views/{slug}/data", handler: publicData, audience: readers,
			params: append(slices.Clone(listParams), keyParams...), filters: true},
	}
}

// keyParams are the names under which people try to send keys in the URL, where logs and histories keep them. They are
// known so that they can be refused with the right words.
var keyParams = []string{"key", "api_key", "apikey", "token", "access_token"}

// publicData reads a published view without an account.
func publicData(c *call) error {
	for _, name := range keyParams {
		if _, ok := c.params.find(name); ok {
			return problemOf(http.StatusUnauthorized, "key_in_url", "a key in the URL is not looked at; send it as Authorization: Bearer or X-Api-Key")
		}
	}
	key, err := c.publicKey()
	if err != nil {
		return err
	}
	access, view, err := c.s.opt.Engine.Public(c.ctx(), c.id("slug"), key)
	if errors.Is(err, livetables.ErrKey) {
		return problemOf(http.StatusUnauthorized, "key_required", "a valid key of this view is needed")
	}
	if err != nil {
		return err
	}
	// What an account that was closed has published is closed with it.
	publisher, err := c.s.opt.Auth.User(c.ctx(), access.Principal().ID)
	if err != nil {
		return err
	}
	if publisher.Disabled {
		return livetables.ErrNotFound
	}
	if id := access.Principal().Key; id != "" {
		c.w.principal = id
		if err := c.tally.take(c.ctx(), bucketOf("key", id, c.s.opt.RateLimit.Public)); err != nil {
			return err
		}
	}
	return c.readView(access, view)
}

// publicKey is the key of the request, empty when there is none.
func (c *call) publicKey() (string, error) {
	keys := c.r.Header.Values("X-Api-Key")
	if len(c.r.Header.Values("Authorization")) > 0 {
		token, ok := bearer(c.r)
		if !ok || len(keys) > 0 {
			return "", unauthenticated()
		}
		return token, nil
	}
	if len(keys) > 1 || len(keys) == 1 && len(keys[0]) > maxToken {
		return "", unauthenticated()
	}
	if len(keys) == 1 {
		return keys[0], nil
	}
	return "", nil
}
