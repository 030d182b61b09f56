package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// once sends a row with an Idempotency-Key. Status 0 says that the connection broke.
func (p *process) once(table string, n int) (status int, body string, replayed bool) {
	doc := fmt.Appendf(nil, `{"fields":{"N":%d}}`, n)
	req, err := http.NewRequest(http.MethodPost, p.url+"/api/v1/tables/"+table+"/rows", bytes.NewReader(doc))
	if err != nil {
		return 0, "", false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.tok)
	req.Header.Set("Idempotency-Key", fmt.Sprintf("write-%d", n))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", false
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", false
	}
	return resp.StatusCode, string(text), resp.Header.Get("Idempotency-Replayed") == "true"
}

// TestKilledBetweenEffectAndRecord (P8) kills the daemon again and again while clients write with keys, and sends every
// write once more: no write is done twice, and none that was acknowledged is lost or answered differently.
func TestKilledBetweenEffectAndRecord(t *testing.T) {
	seed := testseed.Of(t)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, "--rate-limit", "0")
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	base := p.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": "B"})["id"].(string)
	table := p.must(201, "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": "T",
		"columns": []any{map[string]any{"name": "N", "type": "integer"}}})["id"].(string)
	acknowledged, next, unknown, replays := map[int]string{}, 0, 0, 0
	for range 5 {
		var mu sync.Mutex
		var work sync.WaitGroup
		first := next
		for range 4 {
			work.Go(func() {
				for {
					mu.Lock()
					n := next
					next++
					mu.Unlock()
					status, body, _ := p.once(table, n)
					if status != 201 {
						return
					}
					mu.Lock()
					acknowledged[n] = body
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(50+random.IntN(150)) * time.Millisecond)
		p.kill()
		work.Wait()
		p = start(t, dir, "--rate-limit", "0")
		p.login("a@example.com", "correct horse")
		for n := first; n < next; n++ {
			status, body, replayed := p.once(table, n)
			switch {
			case status == 409:
				require.Contains(t, body, "idempotency_unknown")
				unknown++
			case status == 201 && replayed:
				replays++
				if was, ok := acknowledged[n]; ok {
					require.Equal(t, was, body)
				}
			default:
				require.Equal(t, 201, status, body)
				require.NotContains(t, acknowledged, n, "an acknowledged write was done again")
			}
		}
	}
	seen := map[float64]int{}
	for _, row := range p.all("/api/v1/tables/" + table + "/rows?limit=1000") {
		seen[row["fields"].(map[string]any)["N"].(float64)]++
	}
	for n, times := range seen {
		require.Equal(t, 1, times, "write %v", n)
	}
	for n := range acknowledged {
		require.Contains(t, seen, float64(n))
	}
	require.Positive(t, replays)
	t.Logf("%d writes, %d acknowledged before a kill, %d replayed, %d of unknown end", next, len(acknowledged), replays, unknown)
}
