package differential

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/livetables/livetables/lqp"
)

// Case is everything that is needed to ask a question again: a seed. It stands in a file of JSON.
type Case struct {
	// About says for people what was wrong.
	About string `json:"about,omitempty"`
	// Relation, Engines, Mode, Coin and Bytes are those of the question that had a wrong answer. A replay asks it, and the same
	// query in the other modes and of the other engines too.
	Relation string   `json:"relation"`
	Engines  []string `json:"engines"`
	Mode     string   `json:"mode"`
	Coin     uint64   `json:"coin,omitempty"`
	Bytes    int64    `json:"bytes,omitempty"`
	// Query is the query as lqp.EncodeQuery writes it.
	Query json.RawMessage `json:"query"`
	World *World          `json:"world"`
}

func newCase(w *World, p probe) *Case {
	return &Case{Relation: p.relation, Engines: p.question.engines, Mode: p.question.mode, Coin: p.question.coin, Bytes: p.question.bytes,
		Query: lqp.EncodeQuery(p.question.query), World: w}
}

// ReadCase reads a seed file.
func ReadCase(file string) (*Case, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &Case{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return c, nil
}

// Write writes a seed file.
func (c *Case) Write(file string) error {
	data, err := c.encode()
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

func (c *Case) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(c)
	return b.Bytes(), err
}

// Format is the case as people read it.
func (c *Case) Format() string {
	q, err := lqp.DecodeQuery(c.Query, lqp.DecodeOptions{})
	if err != nil {
		return err.Error()
	}
	text := lqp.Format(q)
	for _, t := range c.World.Tables {
		text += fmt.Sprintf("%s (key %v):\n", t.Name, t.Key)
		for i, col := range t.Columns {
			native := ""
			for _, e := range c.Engines {
				native += " " + e + " " + col.Native[e]
			}
			text += fmt.Sprintf("  %q %s(%d,%d) max %d%s odd %v:", col.Name, col.Type, col.Type.Precision, col.Type.Scale, col.Type.MaxLen, native, col.Odd)
			for _, r := range t.Rows[:min(len(t.Rows), 8)] {
				text += " " + clip([]string{canonical(r[i])})
			}
			text += "\n"
		}
	}
	return text
}

// probes are what a replay asks: the question itself, and its query in every mode of every engine.
func (c *Case) probes(engines []string) ([]probe, error) {
	q, err := lqp.DecodeQuery(c.Query, lqp.DecodeOptions{})
	if err != nil {
		return nil, fmt.Errorf("query of the case: %w", err)
	}
	all := []probe{{c.Relation, question{q, c.Engines, c.Mode, c.Coin, c.Bytes}}}
	for _, e := range engines {
		for _, mode := range []string{Pushdown, Scans, Coin} {
			all = append(all, probe{Oracle, question{q, []string{e}, mode, c.Coin, 0}})
		}
		if c.Relation != Oracle {
			all = append(all, probe{c.Relation, question{q, []string{e}, Pushdown, c.Coin, 0}})
		}
	}
	return all, nil
}

// Replayer asks cases again, of one set of databases. It is used by one goroutine.
type Replayer struct{ rig *rig }

// NewReplayer connects to engines, nil for all. The error is a *testenv.MissingError when one is not to be had.
func NewReplayer(ctx context.Context, engines []string) (*Replayer, error) {
	if len(engines) == 0 {
		engines = Engines
	}
	r, err := openRig(ctx, engines)
	return &Replayer{r}, err
}

// Close drops the databases.
func (r *Replayer) Close(ctx context.Context) error { return r.rig.close(ctx) }

// Replay asks a case of all engines of the replayer and answers with what is wrong, one text for each question. The error is
// one of the machinery.
func (r *Replayer) Replay(ctx context.Context, c *Case) ([]string, error) {
	if err := r.rig.load(ctx, c.World); err != nil {
		return nil, err
	}
	probes, err := c.probes(r.rig.names)
	if err != nil {
		return nil, err
	}
	var bad []string
	skipped := 0
	for i, t := range r.rig.holdAll(ctx, probes) {
		if t.diff != "" {
			bad = append(bad, probes[i].describe()+": "+t.diff)
		}
		if t.skipped {
			skipped++
		}
	}
	if skipped == len(probes) {
		return nil, fmt.Errorf("no engine takes the query of the case any more")
	}
	return bad, nil
}
