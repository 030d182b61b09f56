package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// listed is a page of the daemon, as far as preparations need it.
type listed struct {
	Data []struct{ ID string }
	Page struct {
		Next string `json:"next_cursor"`
	}
}

// prepare looks up the ids of the keys and the cursor of the last page.
func (m *miniOver) prepare(ctx context.Context) error {
	list := func(path string, want int) (p listed, err error) {
		if err = m.d.call(ctx, "GET", m.table+path, nil, &p); err == nil && len(p.Data) != want {
			err = fmt.Errorf("%s: %d rows in the place of %d", path, len(p.Data), want)
		}
		return p, err
	}
	for from := 0; from < keys; from += 100 {
		var numbers []string
		for i := range 100 {
			numbers = append(numbers, strconv.Itoa(m.number(from+i)))
		}
		p, err := list("/rows?sort=n&fields=n&limit=100&n.in="+url.QueryEscape(strings.Join(numbers, ",")), 100)
		if err != nil {
			return err
		}
		for _, row := range p.Data {
			m.ids = append(m.ids, row.ID)
		}
	}
	for left := m.rows - 100; left > 0; {
		if err := m.fresh(ctx); err != nil {
			return err
		}
		n := min(left, 1000)
		p, err := list(fmt.Sprintf("/rows?sort=n&limit=%d&cursor=%s", n, url.QueryEscape(m.cursor)), n)
		if err != nil {
			return err
		}
		left -= n
		m.cursor = p.Page.Next
	}
	return nil
}

// readers are both sides of a read.
func (m *miniOver) readers(r miniRead) (hand, ours target) {
	hand = m.base
	var requests [][]byte
	for i := range 64 {
		hand.requests = append(hand.requests, request("GET", r.base(i), "", "", nil))
		requests = append(requests, request("GET", "/api/v1"+m.table+r.daemon(m.ids, m.cursor, i), m.d.token, "", nil))
	}
	return hand, m.d.target(requests, m.place.server)
}

// pages compares what reads a page or a row, by one client and by many, and the last page with the first one.
func (m *miniOver) pages(ctx context.Context) error {
	var failed []error
	ends := map[string]miniRead{}
	for _, r := range m.reads() {
		ends[r.name] = r
		if err := m.page(ctx, r); err != nil {
			// What else can be measured is worth having.
			failed = append(failed, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	s, err := m.compare(ctx, func() []side {
		_, first := m.readers(ends[firstPage])
		_, last := m.readers(ends[lastPage])
		return []side{first.under(1), last.under(1)}
	})
	if err == nil {
		m.addTime(lastAgainstFirst, "T11: <= 1.1", s[0], s[1], fmt.Sprintf("page %d, ours against ours", m.rows/100))
	}
	return errors.Join(append(failed, err)...)
}

// page compares one kind of page.
func (m *miniOver) page(ctx context.Context, r miniRead) error {
	if err := m.fresh(ctx); err != nil {
		return err
	}
	hand, ours := m.readers(r)
	if err := sameAnswers(ctx, r.found, hand, hand.requests[1], ours, ours.requests[1]); err != nil {
		return err
	}
	for _, clients := range []int{1, writers} {
		s, err := m.compare(ctx, func() []side {
			hand, ours := m.readers(r)
			return []side{hand.under(clients), ours.under(clients)}
		})
		if err != nil {
			return fmt.Errorf("%d clients: %w", clients, err)
		}
		m.addRate(clientsOf(r.name, clients), r.target, s[0], s[1], "")
	}
	return nil
}

// sameAnswers asks both sides and checks that they answer with the same rows, so many of them.
func sameAnswers(ctx context.Context, found int, hand target, toHand []byte, ours target, toOurs []byte) error {
	a, err := hand.ask(ctx, toHand)
	if err != nil {
		return fmt.Errorf("by hand: %w", err)
	}
	b, err := ours.ask(ctx, toOurs)
	if err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	return sameFields(found, a, b)
}

// changing are both sides of a write, with requests of the same bodies.
func (m *miniOver) changing(method string, next func() func(client int) (key int, body []byte)) (hand, ours target) {
	path := func(root string, key int, id func(int) string) string {
		if method == "POST" {
			return root + "/rows"
		}
		return root + "/rows/" + id(key)
	}
	hand, ours = m.base, m.d.target(nil, m.place.server)
	toHand, toOurs := next(), next()
	hand.next = func(client int) []byte {
		key, body := toHand(client)
		return request(method, path("", key, func(key int) string { return fmt.Sprintf(plainID, m.number(key)) }), "", "application/json", body)
	}
	ours.next = func(client int) []byte {
		key, body := toOurs(client)
		return request(method, path("/api/v1"+m.table, key, func(key int) string { return m.ids[key] }), m.d.token, "application/json", body)
	}
	return hand, ours
}

// writes compares single writes, each durable when it is answered.
func (m *miniOver) writes(ctx context.Context) error {
	for _, c := range []struct {
		what, method string
		next         func() func(client int) (key int, body []byte)
	}{
		{update, "PATCH", func() func(int) (int, []byte) {
			t := newTurns()
			return func(client int) (int, []byte) {
				key, version, total := t.next(client)
				return key, fmt.Appendf(nil, `{"version":%d,"fields":{"total":%d.%02d}}`, version, total/100, total%100)
			}
		}},
		{insert, "POST", func() func(int) (int, []byte) {
			var inserted atomic.Int64
			inserted.Store(int64(m.rows))
			return func(int) (int, []byte) {
				var body bytes.Buffer
				_ = json.NewEncoder(&body).Encode(map[string]any{"fields": newCells(inserted.Add(1))}) // a struct of texts and numbers
				return 0, body.Bytes()
			}
		}},
	} {
		if err := m.fresh(ctx); err != nil {
			return err
		}
		hand, ours := m.changing(c.method, c.next)
		if err := sameAnswers(ctx, 1, hand, hand.next(0), ours, ours.next(0)); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		for _, clients := range []int{1, writers} {
			s, err := m.compare(ctx, func() []side { return []side{hand.under(clients), ours.under(clients)} })
			if err != nil {
				return fmt.Errorf("%s: %w", c.what, err)
			}
			m.addRate(clientsOf(c.what, clients), writeTarget(c.what, clients), s[0], s[1], "against a commit each")
		}
	}
	return nil
}
