package httpapi

import (
	"net/http"
	"strings"

	"github.com/livetables/livetables/minidb"
)

// viewAsHeader names the member with whose eyes the caller wants to look.
const viewAsHeader = "View-As"

// maxUserID bounds what is looked up of the header.
const maxUserID = 200

// places are the segments of paths that lead into a workspace.
var places = []string{"workspace", "project", "base", "table", "column", "view", "connection"}

// looks reports whether a route only reads what is in a workspace: such a route can be asked with the eyes of another.
func (r *route) looks() bool {
	if r.audience != accounts || r.people {
		return false
	}
	asks := r.method == http.MethodGet || r.method == http.MethodPost && (strings.HasSuffix(r.path, "/query") || strings.Contains(r.path, "/query/"))
	for _, name := range places {
		if asks && strings.Contains(r.path, "/{"+name+"}") {
			return true
		}
	}
	return false
}

// viewAs gives the call the access of the member whom the header names.
func (c *call) viewAs() error {
	values := c.r.Header.Values(viewAsHeader)
	if len(values) == 0 {
		return nil
	}
	if len(values) > 1 || values[0] == "" || len(values[0]) > maxUserID {
		return problemOf(http.StatusBadRequest, "invalid_header", "View-As is the id of one member")
	}
	if !c.route.looks() {
		return problemOf(http.StatusBadRequest, "invalid_header", "View-As is for routes that read what is in a workspace")
	}
	in := ""
	for _, name := range places {
		if in == "" {
			in = c.id(name)
		}
	}
	if in == "" {
		return minidb.ErrNotFound
	}
	access, err := c.access.ViewAs(c.ctx(), in, values[0])
	if err == nil {
		c.access = access
	}
	return err
}
