package canary

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
)

// tenant is one workspace with everything in it.
type tenant struct {
	name      string
	workspace string
	ids       map[string][]string // by the name that a route's path has for them: "table", "row" …
	names     []string            // of tables and views, as queries may name them
	slugs     []string
	keyed     *person // the holder of the key of a published view
	token     *person // who has a personal access token of the editor
	service   *person // a service account
	editor    *person
	clerk     *person // has a role that lets in to one table
	narrow    *person // has a personal access token of the owner that is good for one table
	orderKey  *person // the holder of the key of a published view of linked rows
	// inside are ids by table and kind, moments times at which things were otherwise.
	inside  map[string]map[string][]string
	moments []string
	// fields are the names of the columns of tables, attached the paths of files of rows, reverts those that take changes of
	// rows back.
	fields            map[string][]string
	attached, reverts []string
	stirred           []stirred
	// Who may see what: everybody in the workspace, those who may write rows, those who manage it.
	members, writers, managers crowd
	// insiders are members and who is let in to one table only, ordering those of them who read the table of orders.
	insiders, ordering crowd
}

// fill makes the accounts and the tenants.
func (w *world) fill(ctx context.Context, setupToken string, tenants int) error {
	if _, err := w.account("root", setupToken); err != nil {
		return err
	}
	if _, err := w.account("stranger", ""); err != nil {
		return err
	}
	w.newPerson("anonymous")
	consultant, err := w.account("consultant", "")
	if err != nil {
		return err
	}
	for i := range tenants {
		t := &tenant{name: fmt.Sprintf("tenant%d", i), ids: map[string][]string{}, inside: map[string]map[string][]string{}, fields: map[string][]string{}}
		w.tenants = append(w.tenants, t)
		if err := w.populate(t, consultant, i); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	for _, t := range w.tenants {
		if err := w.furnish(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

// populate makes the workspace of a tenant and its members. The consultant is in the first two workspaces.
func (w *world) populate(t *tenant, consultant *person, number int) error {
	var staff []*person
	for _, role := range []string{"owner", "admin", "editor", "viewer", "former", "clerk"} {
		p, err := w.account(role+" of "+t.name, "")
		if err != nil {
			return err
		}
		p.roles[t] = role
		staff = append(staff, p)
	}
	if number < 2 {
		consultant.roles[t] = []string{"viewer", "editor"}[number]
		staff = append(staff, consultant)
	}
	for _, p := range staff {
		switch p.roles[t] {
		case "owner", "admin":
			t.managers |= 1 << p.number
			t.writers |= 1 << p.number
		case "editor":
			t.editor = p
			t.writers |= 1 << p.number
		}
		switch p.roles[t] {
		case "former":
		case "clerk":
			t.clerk = p
			p.roles[t] = "viewer" // of one table
			t.insiders |= 1 << p.number
		default:
			t.members |= 1 << p.number
		}
		t.ids["user"] = append(t.ids["user"], p.id)
	}
	t.keyed = w.newPerson("holder of a key of " + t.name)
	t.token, t.service = w.newPerson("bearer of a token of "+t.name), w.newPerson("service account of "+t.name)
	for _, p := range []*person{t.token, t.service} {
		p.roles[t] = "viewer"
		t.members |= 1 << p.number
	}
	t.narrow, t.orderKey = w.newPerson("bearer of a token for a table of "+t.name), w.newPerson("holder of a key of orders of "+t.name)
	t.narrow.roles[t] = "viewer"
	t.insiders |= t.members | 1<<t.narrow.number
	t.ordering = t.insiders
	// The instance's admin, who knows every account, brings the members together and leaves.
	root := w.people[w.root]
	made, err := w.send(root, "POST", "/api/v1/workspaces", map[string]any{"name": w.plant(t, "the name of the workspace", t.insiders, logged)})
	if err != nil {
		return err
	}
	t.workspace = made.text("id")
	t.ids["workspace"] = []string{t.workspace}
	for _, p := range staff {
		w.introduce(t, p)
		role := p.roles[t]
		if role == "former" {
			role = "editor"
		}
		if _, err := w.send(root, "POST", "/api/v1/workspaces/"+t.workspace+"/members", map[string]any{"user_id": p.id, "role": role}); err != nil {
			return err
		}
	}
	if _, err := w.send(staff[0], "DELETE", "/api/v1/workspaces/"+t.workspace+"/members/"+root.id, nil); err != nil {
		return err
	}
	return w.keyHolders(t, staff)
}

// keyHolders are a service account and somebody with a personal access token of the editor: both read, and change nothing.
func (w *world) keyHolders(t *tenant, staff []*person) error {
	editor, soon := staff[2], time.Now().Add(24*time.Hour)
	t.ids["session"] = append(t.ids["session"], editor.own[1], staff[0].own[1])
	made, err := w.send(editor, "POST", "/api/v1/auth/tokens", map[string]any{"name": w.plant(t, "the name of a token", 1<<editor.number, told),
		"scopes": []string{"data.read"}, "resources": []string{t.workspace}, "expires_at": soon})
	if err != nil {
		return err
	}
	t.token.access.Store(made.text("token"))
	t.ids["token"] = append(t.ids["token"], made.text("id"))
	editor.own = append(editor.own, made.text("id"))
	path := "/api/v1/workspaces/" + t.workspace + "/service-accounts"
	if made, err = w.send(staff[0], "POST", path, map[string]any{"name": w.plant(t, "the name of a service account", t.insiders, told), "role": "viewer"}); err != nil {
		return err
	}
	t.ids["account"] = append(t.ids["account"], made.text("id"))
	if made, err = w.send(staff[0], "POST", path+"/"+made.text("id")+"/keys", map[string]any{"name": w.plant(t, "the name of a service account's key", t.managers, told), "expires_at": soon}); err != nil {
		return err
	}
	t.service.access.Store(made.text("key"))
	t.ids["key"] = append(t.ids["key"], made.text("id"))
	if made, err = w.send(staff[0], "POST", "/api/v1/workspaces/"+t.workspace+"/invite", map[string]any{"email": w.plant(t, "the address of an invite", t.managers, logged) + "@example.net", "role": "viewer"}); err != nil {
		return err
	}
	t.ids["invite"] = append(t.ids["invite"], made.text("id"))
	return nil
}

// introduce lets the members of a workspace know a member's name and the managers the address.
func (w *world) introduce(t *tenant, p *person) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.byText {
		switch c.place {
		case "the name of " + p.name:
			c.seen |= t.insiders
		case "the address of " + p.name:
			c.seen |= t.managers
		}
	}
}

// shop makes an external database in which some rows are out of sight for most, and answers the name of its file.
func (w *world) shop(ctx context.Context, t *tenant) (file string, err error) {
	file = w.plant(t, "the file of a connection", t.managers, logged) + ".db"
	store, err := sqlite.OpenStore(ctx, filepath.Join(w.dir, "files", file), sqlite.StoreOptions{})
	if err != nil {
		return "", err
	}
	err = store.Write(ctx, func(tx adapter.Tx) error {
		statements := []string{
			`CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT)`,
			`CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id), total INTEGER NOT NULL, note TEXT)`,
		}
		for i := range 6 {
			seen, country := t.members, "SE"
			if i%2 == 0 {
				seen, country = t.managers, "NO"
			}
			statements = append(statements,
				fmt.Sprintf(`INSERT INTO customer VALUES (%d, 'Ann %s', '%s')`, i, w.plant(t, "a customer", seen, told), country),
				fmt.Sprintf(`INSERT INTO invoice VALUES (%d, %d, %d, '%s')`, i, i, 10*i, w.plant(t, "an invoice", t.members, told)))
		}
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	if cerr := store.Close(); err == nil {
		err = cerr
	}
	return file, err
}
