package canary

import (
	"fmt"
	"sync/atomic"
)

// person is somebody who sends requests.
type person struct {
	number int
	name   string
	mail   string
	id     string // of the account, empty for readers of published views
	// roles are the person's roles by tenant; everything is left out of it where the person has none.
	roles map[*tenant]string
	// own are ids of what is the person's own: the account, its session, its tokens.
	own []string
	// apiKey opens a published view.
	apiKey  string
	access  atomic.Value // string: the access token
	refresh atomic.Value // string
}

// tenants are those of a list in which the person has a role.
func (p *person) tenants(all []*tenant) (own []*tenant) {
	for _, t := range all {
		if _, ok := p.roles[t]; ok {
			own = append(own, t)
		}
	}
	return own
}

const maxPeople = 64 // of a crowd

func (p *person) token() string {
	t, _ := p.access.Load().(string)
	return t
}

// newPerson counts somebody.
func (w *world) newPerson(name string) *person {
	if len(w.people) == maxPeople {
		panic("canary: a crowd has no room for more people")
	}
	p := &person{number: len(w.people), name: name, roles: map[*tenant]string{}}
	w.people = append(w.people, p)
	return p
}

// account makes an account for somebody; the first one is the instance's admin, with the token that the daemon printed.
func (w *world) account(name, setupToken string) (*person, error) {
	p := w.newPerson(name)
	// Who may know an account's name and address is settled when its workspaces are known.
	p.mail = w.plant(nil, "the address of "+name, 1<<p.number|1<<w.root, logged) + "@example.com"
	body := map[string]any{"email": p.mail, "name": w.plant(nil, "the name of "+name, 1<<p.number|1<<w.root, logged), "password": w.plant(nil, "the password of "+name, 0, secret)}
	path := "/api/v1/auth/register"
	if setupToken != "" {
		path, body["setup_token"] = "/api/v1/auth/setup", setupToken
	}
	got, err := w.send(nil, "POST", path, body)
	if err != nil {
		return nil, fmt.Errorf("account of %s: %w", name, err)
	}
	p.access.Store(got.text("access_token"))
	p.refresh.Store(got.text("refresh_token"))
	if p.id = got.text("user.id"); p.id == "" || p.token() == "" {
		return nil, fmt.Errorf("account of %s: no tokens in %s", name, got.body)
	}
	p.own = append(p.own, p.id, got.text("session_id"))
	return p, nil
}

// renew trades the refresh tokens of everybody for new ones: access tokens end while a long campaign runs.
func (w *world) renew() error {
	for _, p := range w.people {
		old, _ := p.refresh.Load().(string)
		if old == "" {
			continue
		}
		got, err := w.send(nil, "POST", "/api/v1/auth/refresh", map[string]any{"refresh_token": old})
		if err != nil {
			return fmt.Errorf("renew the session of %s: %w", p.name, err)
		}
		p.refresh.Store(got.text("refresh_token"))
		p.access.Store(got.text("access_token"))
	}
	return nil
}
