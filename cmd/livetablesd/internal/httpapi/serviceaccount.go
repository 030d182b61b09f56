package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
)

func serviceAccountRoutes() []route {
	all, one := api+"/workspaces/{workspace}/service-accounts", api+"/workspaces/{workspace}/service-accounts/{account}"
	return []route{
		{method: "GET", path: all, handler: listServiceAccounts, people: true},
		{method: "POST", path: all, handler: createServiceAccount, people: true, body: bodyJSON},
		{method: "GET", path: one, handler: getServiceAccount, people: true},
		{method: "PATCH", path: one, handler: updateServiceAccount, people: true, body: bodyJSON},
		{method: "DELETE", path: one, handler: deleteServiceAccount, people: true},
		{method: "POST", path: one + "/keys", handler: addServiceKey, people: true, body: bodyJSON, reveals: true},
		{method: "DELETE", path: one + "/keys/{key}", handler: deleteServiceKey, people: true},
	}
}

// serviceAccountDocument is a service account with the role of its membership, empty when it has none any more.
type serviceAccountDocument struct {
	ID        string               `json:"id"`
	Name      string               `json:"name"`
	Role      rbac.Role            `json:"role"`
	Disabled  bool                 `json:"disabled"`
	CreatedBy string               `json:"created_by"`
	CreatedAt time.Time            `json:"created_at"`
	UpdatedAt time.Time            `json:"updated_at"`
	ExpiresAt *time.Time           `json:"expires_at"`
	Keys      []serviceKeyDocument `json:"keys,omitempty"`
}

// serviceKeyDocument is a key of a service account, without the key. It works while its maker may give the account's role and act as it.
type serviceKeyDocument struct {
	ID        string     `json:"id"`
	Prefix    string     `json:"prefix"`
	Name      string     `json:"name"`
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"last_used_at"`
}

func serviceAccountOf(a auth.ServiceAccount, role rbac.Role) serviceAccountDocument {
	return serviceAccountDocument{ID: a.ID, Name: a.Name, Role: role, Disabled: a.Disabled, CreatedBy: a.Maker,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, ExpiresAt: a.ExpiresAt}
}

// managed lets those in who manage the members of the workspace and answers with the members' roles.
func (c *call) managed() (map[string]rbac.Role, error) {
	if err := c.may(c.id("workspace"), rbac.ManageMembers); err != nil {
		return nil, err
	}
	return c.access.Members(c.ctx(), c.id("workspace"))
}

// steered finds the service account of the path for those who may steer it: who could give it the role that it has, and act as
// it. Others who manage members would otherwise get at more than they may themselves.
func (c *call) steered() (found auth.ServiceAccount, role rbac.Role, err error) {
	members, err := c.managed()
	if err != nil {
		return found, "", err
	}
	if found, err = c.s.opt.Auth.ServiceAccount(c.ctx(), c.id("workspace"), c.id("account")); err != nil {
		return found, "", err
	}
	if role = members[found.ID]; role != "" {
		err = c.access.MayStandFor(c.ctx(), c.id("workspace"), found.ID)
	}
	return found, role, err
}

// serviceNames are the names of a workspace's service accounts, by id.
func (c *call) serviceNames(workspace string) (map[string]string, error) {
	found, err := c.s.opt.Auth.ServiceAccounts(c.ctx(), workspace)
	names := make(map[string]string, len(found))
	for _, a := range found {
		names[a.ID] = a.Name
	}
	return names, err
}

// memberKind is what a member is, as the API says it.
func memberKind(id string) string {
	if auth.IsServiceAccount(id) {
		return "service_account"
	}
	return "person"
}

func listServiceAccounts(c *call) error {
	members, err := c.managed()
	if err != nil {
		return err
	}
	found, err := c.s.opt.Auth.ServiceAccounts(c.ctx(), c.id("workspace"))
	if err != nil {
		return err
	}
	list := make([]serviceAccountDocument, len(found))
	for i, a := range found {
		list[i] = serviceAccountOf(a, members[a.ID])
	}
	return c.list(list)
}

// createServiceAccount makes a service account and takes it into the workspace, with a role that the caller may give.
func createServiceAccount(c *call) error {
	workspace := c.id("workspace")
	if err := c.may(workspace, rbac.ManageMembers); err != nil {
		return err
	}
	in, err := decode[struct {
		Name      string     `json:"name"`
		Role      rbac.Role  `json:"role"`
		ExpiresAt *time.Time `json:"expires_at"`
	}](c)
	if err != nil {
		return err
	}
	if err := serviceRole("$.role", in.Role); err != nil {
		return err
	}
	if err := c.access.MayAddMember(c.ctx(), workspace, in.Role); err != nil {
		return err
	}
	made, err := c.s.opt.Auth.CreateServiceAccount(c.ctx(), c.who, workspace, auth.NewServiceAccount{Name: in.Name, ExpiresAt: in.ExpiresAt}, c.client())
	if err != nil {
		return err
	}
	// Should the daemon end in between, there is an account without a role and without a key, which the list shows.
	if _, err := c.access.SetMember(c.ctx(), workspace, made.ID, in.Role); err != nil {
		return errors.Join(err, c.s.opt.Auth.DeleteServiceAccount(c.ctx(), c.who, workspace, made.ID, c.client()))
	}
	c.w.Header().Set("Location", api+"/workspaces/"+workspace+"/service-accounts/"+made.ID)
	return c.json(http.StatusCreated, serviceAccountOf(made, in.Role))
}

// serviceRole refuses to make a service account the owner of a workspace: an owner must be somebody who can be asked.
func serviceRole(path string, role rbac.Role) error {
	if role == rbac.Owner {
		return invalidProblem("the service account cannot have this role", FieldError{Path: path, Code: "invalid", Message: "a service account cannot be an owner"})
	}
	return nil
}

func getServiceAccount(c *call) error {
	members, err := c.managed()
	if err != nil {
		return err
	}
	found, err := c.s.opt.Auth.ServiceAccount(c.ctx(), c.id("workspace"), c.id("account"))
	if err != nil {
		return err
	}
	keys, err := c.s.opt.Auth.ServiceKeys(c.ctx(), found.Workspace, found.ID)
	if err != nil {
		return err
	}
	out := serviceAccountOf(found, members[found.ID])
	for _, k := range keys {
		out.Keys = append(out.Keys, serviceKeyOf(k))
	}
	return c.json(http.StatusOK, out)
}

func serviceKeyOf(k auth.ServiceKey) serviceKeyDocument {
	return serviceKeyDocument{ID: k.ID, Prefix: k.Prefix, Name: k.Name, CreatedBy: k.Maker, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, UsedAt: k.UsedAt}
}

// updateServiceAccount changes everything but the role, which is that of a member.
func updateServiceAccount(c *call) error {
	found, role, err := c.steered()
	if err != nil {
		return err
	}
	in, err := decode[struct {
		Name      *string         `json:"name"`
		Disabled  *bool           `json:"disabled"`
		ExpiresAt json.RawMessage `json:"expires_at"` // null is never
	}](c)
	if err != nil {
		return err
	}
	update := auth.ServiceUpdate{Name: in.Name, Disabled: in.Disabled}
	if in.ExpiresAt != nil {
		var end *time.Time
		if err := json.Unmarshal(in.ExpiresAt, &end); err != nil {
			return invalidProblem("", FieldError{Path: "$.expires_at", Code: "invalid", Message: "a time or null was expected"})
		}
		update.ExpiresAt = &end
	}
	out, err := c.s.opt.Auth.UpdateServiceAccount(c.ctx(), c.who, found.Workspace, found.ID, update, c.client())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, serviceAccountOf(out, role))
}

func deleteServiceAccount(c *call) error {
	found, role, err := c.steered()
	if err != nil {
		return err
	}
	if role != "" {
		if err := c.access.RemoveMember(c.ctx(), found.Workspace, found.ID); err != nil && !errors.Is(err, livetables.ErrNotFound) {
			return err
		}
	}
	if err := c.s.opt.Auth.DeleteServiceAccount(c.ctx(), c.who, found.Workspace, found.ID, c.client()); err != nil {
		return err
	}
	return c.noContent()
}

// addServiceKey makes a key and shows it, this once.
func addServiceKey(c *call) error {
	found, role, err := c.steered()
	if err != nil {
		return err
	}
	if role == "" {
		return problemOf(http.StatusConflict, livetables.CodeConflict, "the service account is no longer a member of the workspace")
	}
	in, err := decode[struct {
		Name      string    `json:"name"`
		ExpiresAt time.Time `json:"expires_at"`
	}](c)
	if err != nil {
		return err
	}
	text, made, err := c.s.opt.Auth.AddServiceKey(c.ctx(), c.who, found.Workspace, found.ID, auth.NewServiceKey{Name: in.Name, ExpiresAt: in.ExpiresAt}, c.client())
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, struct {
		Key string `json:"key"`
		serviceKeyDocument
	}{text.Reveal(), serviceKeyOf(made)})
}

func deleteServiceKey(c *call) error {
	found, _, err := c.steered()
	if err != nil {
		return err
	}
	if err := c.s.opt.Auth.DeleteServiceKey(c.ctx(), c.who, found.Workspace, found.ID, c.id("key"), c.client()); err != nil {
		return err
	}
	return c.noContent()
}
