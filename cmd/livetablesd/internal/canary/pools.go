package canary

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync"
)

// pools keep cursors and entity tags that anybody was handed, for everybody to try.
type pools struct {
	mu      sync.Mutex
	cursors []string
	tags    []string
}

const maxPool = 300

var nextCursor = regexp.MustCompile(`"next_cursor":"([^"]+)"`)

// learn keeps what an answer hands out. It answers the cursor decoded, which must tell no more than its answer.
func (p *pools) learn(rnd *rand.Rand, header http.Header, body []byte) (opened []byte) {
	cursor := ""
	if bytes.Contains(body, []byte(`"next_cursor":"`)) {
		if m := nextCursor.FindSubmatch(body); m != nil {
			cursor = string(m[1])
			opened, _ = base64.RawURLEncoding.DecodeString(cursor)
		}
	}
	tag := header.Get("ETag")
	if cursor == "" && tag == "" {
		return opened
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cursors, p.tags = keep(rnd, p.cursors, cursor), keep(rnd, p.tags, tag)
	return opened
}

func keep(rnd *rand.Rand, list []string, s string) []string {
	switch {
	case s == "":
	case len(list) < maxPool:
		list = append(list, s)
	default:
		list[rnd.IntN(len(list))] = s
	}
	return list
}

// cursor is one that somebody was handed, perhaps with a bit of it turned.
func (p *pools) cursor(rnd *rand.Rand) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.cursors) == 0 || rnd.IntN(10) == 0 {
		return "AAAA"
	}
	c := []byte(p.cursors[rnd.IntN(len(p.cursors))])
	if rnd.IntN(7) == 0 {
		c[rnd.IntN(len(c))] ^= 1
	}
	return string(c)
}

func (p *pools) tag(rnd *rand.Rand) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tags) == 0 {
		return ""
	}
	return p.tags[rnd.IntN(len(p.tags))]
}
