package httpapi

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func networkRoutes() []route {
	return []route{
		{method: "GET", path: api + "/workspaces/{workspace}/networks", handler: getNetworks},
		{method: "PUT", path: api + "/workspaces/{workspace}/networks", handler: putNetworks, body: bodyJSON},
	}
}

// networkDocument lists the networks from which sensitive actions are allowed, none for every network.
type networkDocument struct {
	Networks []string `json:"networks"`
}

func getNetworks(c *call) error {
	networks, err := c.access.Networks(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	out := networkDocument{Networks: make([]string, len(networks))}
	for i, n := range networks {
		out.Networks[i] = n.String()
	}
	return c.json(http.StatusOK, out)
}

func putNetworks(c *call) error {
	if err := c.may(c.id("workspace"), rbac.GrantAdmin); err != nil {
		return err
	}
	in, err := decode[networkDocument](c)
	if err != nil {
		return err
	}
	if len(in.Networks) > minidb.MaxNetworks {
		return &minidb.LimitError{Name: "networks", Max: minidb.MaxNetworks}
	}
	list := make([]netip.Prefix, len(in.Networks))
	var faults []FieldError
	for i, text := range in.Networks {
		if list[i], err = netip.ParsePrefix(text); err != nil || list[i].Addr().Is4In6() {
			faults = append(faults, FieldError{Path: fmt.Sprintf("$.networks[%d]", i), Code: minidb.CodeInvalid, Message: "not a network such as 10.0.0.0/8 or 2001:db8::/32"})
		}
	}
	if len(faults) > 0 {
		return invalidProblem("the networks cannot be used", faults...)
	}
	if err := c.access.SetNetworks(c.ctx(), c.id("workspace"), list); err != nil {
		return err
	}
	return getNetworks(c)
}
