package httpapi

import (
	"encoding/hex"
	"net/http"
	"time"
)

// headDocument is a signed head of a workspace's log. Its bytes are shown as hexadecimal digits.
type headDocument struct {
	Workspace string    `json:"workspace_id"`
	Sequence  int64     `json:"sequence"`
	Hash      string    `json:"hash"`
	At        time.Time `json:"at"`
	PublicKey string    `json:"public_key"`
	Signature string    `json:"signature"`
}

func logHead(c *call) error {
	h, err := c.access.LogHead(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, headDocument{Workspace: h.Workspace, Sequence: h.Sequence, Hash: hex.EncodeToString(h.Hash), At: h.At,
		PublicKey: hex.EncodeToString(h.PublicKey), Signature: hex.EncodeToString(h.Signature)})
}
