package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/livetables/livetables/minidb"
)

// attribute is a fact about a member as clients write it.
type attribute struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// setAttributes puts attributes in the place of those that a member has.
func (c *call) setAttributes(workspace, user string, given map[string]attribute) error {
	if len(given) > minidb.MaxAttributes {
		return &minidb.LimitError{Name: "attributes", Max: minidb.MaxAttributes}
	}
	attributes := make(minidb.Attributes, len(given))
	var faults []FieldError
	for name, a := range given {
		v, err := minidb.ParseAttribute(a.Type, a.Value)
		if err != nil {
			faults = append(faults, FieldError{Path: "$.attributes." + name, Code: minidb.CodeType, Message: err.Error()})
		}
		attributes[name] = v
	}
	if len(faults) > 0 {
		return invalidProblem("the attributes cannot be used", faults...)
	}
	m, err := c.access.SetMemberAttributes(c.ctx(), workspace, user, attributes)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, memberDocument{User: m.User, Kind: memberKind(m.User), Role: m.Role, Attributes: m.Attributes})
}
