package livetables

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// ConnectionSpec describes a connection to an external database. The list is closed: there is no DSN and no free option.
type ConnectionSpec struct {
	Name     string   `json:"name"`
	Driver   string   `json:"driver"` // a name in Options.Openers
	Host     string   `json:"host,omitempty"`
	Port     int      `json:"port,omitempty"`
	Database string   `json:"database,omitempty"`
	User     string   `json:"user,omitempty"`
	Password *Secret  `json:"password,omitempty"` // write-only; nil leaves the stored one on update
	TLS      string   `json:"tls,omitempty"`      // "verify" (default) or "off"
	RootCA   string   `json:"root_ca,omitempty"`  // PEM text
	File     string   `json:"file,omitempty"`     // name inside Options.Files, for file-based drivers
	Schemas  []string `json:"schemas,omitempty"`
	TimeZone string   `json:"time_zone,omitempty"`
}

// Connection is a stored connection. It never carries the password.
type Connection struct {
	ID        string    `json:"id"`
	Workspace string    `json:"workspace_id"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	ReadOnly  bool      `json:"read_only"`
	ConnectionSpec
	HasPassword bool `json:"has_password"`
	// Waits says that the connection came with the archive of a workspace: it is not opened before somebody has given its
	// settings and its password again.
	Waits bool `json:"waits,omitempty"`
	// Health is how it is doing, for connections that are read; what was just created or updated has none.
	Health *ConnectionHealth `json:"health,omitempty"`
}

// TestResult is the outcome of trying a connection: one of a small closed set, never the remote's own words.
type TestResult struct {
	OK      bool   `json:"ok"`
	Code    string `json:"code,omitempty"` // as Code
	Message string `json:"message"`
}

// CreateConnection stores a connection; its password is sealed and bound to it. Nothing is dialled: [Access.TestConnection]
// tries it. It needs the right to manage connections in the workspace (rbac.ManageConnections). Settings that could never be
// opened are a *minidb.ValidationError, all at once, and so is a driver that Options.Openers does not have; a file that a rule or
// a cap keeps from the principal by another connection is [ErrForbidden]. A key manager that does not answer is
// [ErrKeyManager]. spec.Password may be nil.
func (a *Access) CreateConnection(ctx context.Context, workspace string, spec ConnectionSpec) (*Connection, error) {
	s, err := a.enter(ctx, workspace, rbac.ManageConnections)
	if err != nil {
		return nil, err
	}
	if err := a.e.sources.check(workspace, spec); err != nil {
		return nil, err
	}
	if err := s.mayLead("", spec.File); err != nil {
		return nil, err
	}
	c := minidb.Connection{ID: minidb.NewID("con"), Workspace: workspace, Name: spec.Name, Driver: spec.Driver, CreatedBy: a.p.ID}
	if err := a.e.seal(ctx, &c, spec, 1); err != nil {
		return nil, err
	}
	stored, err := a.e.store.CreateConnection(ctx, a.actor(""), workspace,
		minidb.ConnectionSpec{ID: c.ID, Name: c.Name, Driver: c.Driver, Settings: c.Settings, Secret: c.Secret})
	if err != nil {
		return nil, fmt.Errorf("create connection %q: %w", spec.Name, err)
	}
	return publicConnection(stored)
}

// UpdateConnection replaces a connection's settings; version is the one the caller has seen, 0 for any. Changing anything
// but the name, the schemas and the time zone needs the password again.
func (a *Access) UpdateConnection(ctx context.Context, id string, version int64, spec ConnectionSpec) (*Connection, error) {
	const tries = 5
	for try := 1; ; try++ {
		c, err := a.updateConnection(ctx, id, version, spec)
		var changed *minidb.VersionError
		if version != 0 || try == tries || !errors.As(err, &changed) {
			return c, err
		}
		// The caller takes any version, but the password is sealed for one: somebody else's change came first.
	}
}

func (a *Access) updateConnection(ctx context.Context, id string, version int64, spec ConnectionSpec) (*Connection, error) {
	s, err := a.at(ctx, id, rbac.ManageConnections)
	if err != nil {
		return nil, err
	}
	old, ok := s.Connection(id)
	if !ok {
		return nil, fmt.Errorf("connection %s: %w", id, ErrNotFound)
	}
	if version != 0 && version != old.Version {
		return nil, &minidb.VersionError{Current: old.Version}
	}
	if err := a.e.sources.check(old.Workspace, spec); err != nil {
		return nil, err
	}
	if err := s.mayLead(id, spec.File); err != nil {
		return nil, err
	}
	before, err := storedSpec(old)
	if err != nil {
		return nil, err
	}
	c, kept := *old, false
	if spec.Driver != old.Driver {
		return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "driver", Code: minidb.CodeInvalid,
			Message: "the driver of a connection cannot be changed; make a new connection"}}}
	}
	if spec.Password == nil && len(old.Secret) > 0 {
		if leadsElsewhere(before, spec) {
			return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "password", Code: minidb.CodeRequired,
				Message: "a change of host, port, database, user, TLS, certificate or file needs the password again"}}}
		}
		plain, err := a.e.openSecret(ctx, old)
		if err != nil {
			return nil, err
		}
		password := NewSecret(string(plain))
		clear(plain)
		spec.Password, kept = &password, true
	}
	if err := a.e.seal(ctx, &c, spec, old.Version+1); err != nil {
		return nil, err
	}
	patch := minidb.ConnectionPatch{Name: &spec.Name, Settings: c.Settings, Secret: c.Secret, Resealed: kept}
	if patch.Secret == nil {
		patch.Secret = []byte{}
	}
	stored, err := a.e.store.UpdateConnection(ctx, a.actor(""), id, patch, old.Version)
	if err != nil {
		return nil, fmt.Errorf("update connection %s: %w", id, err)
	}
	a.e.sources.forget(id)
	return publicConnection(stored)
}

// DeleteConnection removes a connection with the rules and caps on it, and closes it: reads under way end with an error. It does
// not go into the trash. It needs the right to manage the connection (rbac.ManageConnections), and [ErrForbidden] is also for
// whom a rule or a cap on it binds. version is the connection's. Views that read it stay, and do not run any more.
func (a *Access) DeleteConnection(ctx context.Context, id string, version int64) error {
	s, err := a.at(ctx, id, rbac.ManageConnections)
	if err != nil {
		return err
	}
	if err := s.mayLead(id, ""); err != nil {
		return err
	}
	if err := a.e.store.DeleteConnection(ctx, a.actor(""), id, version); err != nil {
		return fmt.Errorf("delete connection %s: %w", id, err)
	}
	a.e.sources.cut(id)
	return nil
}

// Connections lists the connections of a workspace, without anything secret. Members who may not manage connections see
// their names, drivers and nothing of where they lead.
func (a *Access) Connections(ctx context.Context, workspace string) ([]*Connection, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if errors.Is(err, ErrForbidden) { // those who manage connections need not read what is behind them
		s, err = a.enter(ctx, workspace, rbac.ManageConnections)
	}
	if err != nil {
		return nil, err
	}
	list := make([]*Connection, 0, len(s.Connections))
	for _, c := range s.Connections {
		if !s.knowsConnection(c.ID) {
			continue
		}
		p, err := s.publicConnection(c)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// Connection is one connection as [Access.Connections] shows it, without its password: to those who may read from it
// (rbac.ReadData) its name and driver, to those who manage it (rbac.ManageConnections) also where it leads.
func (a *Access) Connection(ctx context.Context, id string) (*Connection, error) {
	s, err := a.atConnection(ctx, id)
	if err != nil {
		return nil, err
	}
	c, ok := s.Connection(id)
	if !ok {
		return nil, fmt.Errorf("connection %s: %w", id, ErrNotFound)
	}
	return s.publicConnection(c)
}

// WorkspaceOfConnection is the id of the workspace of a connection that the principal may read from (rbac.ReadData). Whoever only
// manages it gets [ErrNotFound].
func (a *Access) WorkspaceOfConnection(ctx context.Context, id string) (string, error) {
	s, err := a.at(ctx, id, rbac.ReadData)
	if err != nil {
		return "", err
	}
	if _, ok := s.Connection(id); !ok {
		return "", fmt.Errorf("connection %s: %w", id, ErrNotFound)
	}
	return s.Workspace.ID, nil
}

// atConnection enters the workspace of a connection that the principal may read from or manage.
func (a *Access) atConnection(ctx context.Context, id string) (*entry, error) {
	s, err := a.at(ctx, id, rbac.ReadData)
	if errors.Is(err, ErrNotFound) {
		if managed, no := a.at(ctx, id, rbac.ManageConnections); no == nil {
			return managed, nil
		}
	}
	return s, err
}

// knowsConnection reports whether there is a connection for the principal.
func (s *entry) knowsConnection(id string) bool {
	return s.readable(id) || s.policy.Can(s.p, rbac.ManageConnections, id).Allowed
}

// TestConnection tries a stored connection: it opens it and asks for a sign of life, for ten seconds at most. It needs the right
// to manage it (rbac.ManageConnections). That the database does not answer is no error but a result with OK false and one of a
// few codes, and a record in the audit log; an error says that nothing was tried or that this could not be recorded.
func (a *Access) TestConnection(ctx context.Context, id string) (*TestResult, error) {
	s, err := a.at(ctx, id, rbac.ManageConnections)
	if err != nil {
		return nil, err
	}
	c, ok := s.Connection(id)
	if !ok {
		return nil, fmt.Errorf("connection %s: %w", id, ErrNotFound)
	}
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	ad, err := a.e.sources.adapter(ctx, c)
	if err == nil {
		err = ad.Ping(ctx)
	}
	if err == nil {
		return &TestResult{OK: true, Message: "the database answers and accepts the credentials"}, nil
	}
	a.e.log.WarnContext(ctx, "connection test failed", "connection", id, "error", err)
	r := testFailure(err)
	entry := audit.Entry{Workspace: s.Workspace.ID, Action: "connection.test_failed", ResourceType: "connection", Resource: id,
		After: json.RawMessage(fmt.Sprintf(`{"code":%q}`, r.Code))}
	if err := a.e.store.Record(context.WithoutCancel(ctx), a.actor(""), entry); err != nil {
		return nil, fmt.Errorf("record failed connection test: %w", err)
	}
	return r, nil
}

// testTime is how long the test of a connection may take.
const testTime = 10 * time.Second

func testFailure(err error) *TestResult {
	r := &TestResult{Code: Code(err)}
	switch r.Code {
	case CodeHostNotAllowed:
		r.Message = "the address is not allowed by this deployment"
	case CodeSourceAuth:
		r.Message = "the database refused the user name or password"
	case CodeSourceDenied:
		r.Message = "the database role lacks a right that is needed"
	case CodeTimeout, CodeCancelled:
		r.Code, r.Message = CodeTimeout, "the database did not answer in time"
	case CodeInvalid:
		r.Message = "the settings are not usable with this driver"
	case CodeKeyManager:
		r.Message = "the stored password cannot be opened just now; try again later"
	case CodeSecretUnreadable:
		r.Message = "the stored password cannot be opened; enter it again"
	default:
		r.Code, r.Message = CodeSourceUnavailable, "the database cannot be reached"
	}
	return r
}

// check refuses settings that could never be opened, before anything is stored.
func (s *sources) check(workspace string, spec ConnectionSpec) error {
	var fields []minidb.FieldError
	bad := func(field, format string, args ...any) {
		fields = append(fields, minidb.FieldError{Column: field, Code: minidb.CodeInvalid, Message: fmt.Sprintf(format, args...)})
	}
	if spec.Name == "" || len(spec.Name) > 200 {
		bad("name", "a name of 1 to 200 characters is needed")
	}
	if _, ok := s.openers[spec.Driver]; !ok {
		names := make([]string, 0, len(s.openers))
		for n := range s.openers {
			names = append(names, n)
		}
		slices.Sort(names)
		bad("driver", "driver %q is not one of %v", spec.Driver, names)
	}
	if spec.TLS != "" && spec.TLS != "verify" && spec.TLS != "off" {
		bad("tls", `tls is "verify" or "off"`)
	}
	if spec.TLS == "off" && !s.mayGoPlain(spec.Host, spec.Port) {
		bad("tls", "this deployment does not allow connections without TLS to this host")
	}
	if spec.Port < 0 || spec.Port > 65535 {
		bad("port", "port %d is not between 1 and 65535", spec.Port)
	}
	if spec.Password != nil && len(spec.Password.Reveal()) > maxPassword {
		bad("password", "a password of at most %d bytes is needed", maxPassword)
	}
	if spec.TimeZone != "" {
		if _, err := time.LoadLocation(spec.TimeZone); err != nil {
			bad("time_zone", "%q is not an IANA time zone", spec.TimeZone)
		}
	}
	if spec.File != "" {
		if _, err := s.file(workspace, spec.File); err != nil {
			bad("file", "the file is not inside the directory that this deployment allows")
		}
	}
	if len(fields) > 0 {
		return &minidb.ValidationError{Fields: fields}
	}
	return nil
}

// file resolves the name of a database file inside the allowed directory, links followed. A directory there that has the id
// of a workspace as its name holds files for that workspace alone; all others are for every workspace.
func (s *sources) file(workspace, name string) (string, error) {
	if s.files == "" || !filepath.IsLocal(name) {
		return "", fmt.Errorf("file %q: %w", name, adapter.ErrOption)
	}
	root, err := filepath.EvalSymlinks(s.files)
	if err != nil {
		return "", fmt.Errorf("file %q: %w", name, errors.Join(adapter.ErrUnavailable, err))
	}
	path, err := filepath.EvalSymlinks(filepath.Join(root, name))
	if err != nil {
		return "", fmt.Errorf("file %q: %w", name, adapter.ErrUnavailable)
	}
	rel, err := filepath.Rel(root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("file %q: %w", name, adapter.ErrOption)
	}
	if first, _, ok := strings.Cut(filepath.ToSlash(rel), "/"); ok && strings.HasPrefix(strings.ToLower(first), "wsp_") && first != workspace {
		return "", fmt.Errorf("file %q of another workspace: %w", name, adapter.ErrOption)
	}
	return path, nil
}

func storedSpec(c *minidb.Connection) (ConnectionSpec, error) {
	var spec ConnectionSpec
	d := json.NewDecoder(bytes.NewReader(c.Settings))
	d.DisallowUnknownFields()
	if err := d.Decode(&spec); err != nil {
		return spec, fmt.Errorf("stored settings of connection %s: %w", c.ID, err)
	}
	return spec, nil
}

func publicConnection(c *minidb.Connection) (*Connection, error) {
	spec, err := storedSpec(c)
	if err != nil {
		return nil, err
	}
	spec.Name, spec.Driver = c.Name, c.Driver
	return &Connection{ID: c.ID, Workspace: c.Workspace, Version: c.Version, CreatedAt: c.CreatedAt, ReadOnly: true,
		ConnectionSpec: spec, HasPassword: len(c.Secret) > 0, Waits: c.Waits}, nil
}

func (s *entry) publicConnection(c *minidb.Connection) (*Connection, error) {
	p, err := publicConnection(c)
	if err == nil && !s.policy.Can(s.p, rbac.ManageConnections, c.ID).Allowed {
		p.ConnectionSpec = ConnectionSpec{Name: p.Name, Driver: p.Driver}
		p.HasPassword = false
	}
	if err == nil {
		p.Health = s.health(c)
	}
	return p, err
}
