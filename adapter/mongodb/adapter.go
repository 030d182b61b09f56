package mongodb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Adapter reads one MongoDB database. It is safe for concurrent use; make one with [Open].
type Adapter struct {
	settings  adapter.Settings
	apartFrom int64         // apartFrom, but in tests
	turn      chan struct{} // held by whoever connects or closes
	client    atomic.Pointer[mongo.Client]
	facts     atomic.Pointer[facts] // nil before the first connection
	closed    atomic.Bool
	closing   sync.WaitGroup // results that are being ended in the background
}

var (
	_ adapter.Adapter   = (*Adapter)(nil)
	_ adapter.Explainer = (*Adapter)(nil)
	_ adapter.Estimator = (*Adapter)(nil)
)

// Capabilities implements [adapter.Adapter]. The version is empty until the first connection was made.
func (a *Adapter) Capabilities() adapter.Capabilities {
	c := adapter.Capabilities{Driver: "mongodb"}
	if f := a.facts.Load(); f != nil {
		c.Version = f.version
	}
	return c
}

// database connects when nobody has yet. The user is looked for in the database admin first, where servers keep the users
// of all databases, then in the database itself.
func (a *Adapter) database(ctx context.Context) (*mongo.Database, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c := a.client.Load(); c != nil && !a.closed.Load() {
		return c.Database(a.settings.Database), nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a.closed.Load() {
		return nil, errClosed
	}
	if c := a.client.Load(); c != nil {
		return c.Database(a.settings.Database), nil
	}
	// The driver keeps trying a host that it cannot reach; whether it can is found out at once by ourselves.
	conn, err := (&dialer{&a.settings}).DialContext(ctx, "tcp", address(&a.settings))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSelection, err)
	}
	conn.Close()
	c, err := a.connect(ctx, "admin")
	if err != nil && refused(err) && a.settings.User != "" && a.settings.Database != "admin" {
		c, err = a.connect(ctx, a.settings.Database)
	}
	if err != nil {
		if refused(err) {
			err = fmt.Errorf("%w: %w", adapter.ErrAuth, err)
		}
		return nil, err
	}
	a.client.Store(c)
	return c.Database(a.settings.Database), nil
}

// connect makes a client and proves that it works by asking for the server's version.
func (a *Adapter) connect(ctx context.Context, authSource string) (*mongo.Client, error) {
	c, err := mongo.Connect(clientOptions(&a.settings, authSource))
	if err != nil {
		return nil, err
	}
	asked, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err = c.Database("admin").RunCommand(asked, bson.D{{Key: "ping", Value: 1}}).Err(); err == nil {
		a.facts.Store(askFacts(asked, c.Database(a.settings.Database)))
		return c, nil
	}
	a.disconnect(c)
	return nil, err
}

func (a *Adapter) disconnect(c *mongo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = c.Disconnect(ctx) // connections that are still in use are closed all the same
}

// run sends a command that answers with a cursor, under the statement timeout, which the driver tells the server too. A
// read that a connection's end cut short is tried once more.
func (a *Adapter) run(ctx context.Context, command bson.D) (*mongo.Cursor, error) {
	db, err := a.database(ctx)
	if err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, a.settings.Timeout)
	defer cancel()
	cursor, err := db.RunCommandCursor(timed, command)
	if err != nil && timed.Err() == nil && retryable(err) {
		cursor, err = db.RunCommandCursor(timed, command)
	}
	return cursor, err
}

// ask runs a command that answers with one document.
func (a *Adapter) ask(ctx context.Context, command bson.D) (bson.Raw, error) {
	db, err := a.database(ctx)
	if err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, a.settings.Timeout)
	defer cancel()
	reply, err := db.RunCommand(timed, command).Raw()
	if err != nil && timed.Err() == nil && retryable(err) {
		reply, err = db.RunCommand(timed, command).Raw()
	}
	return reply, err
}

// Ping implements [adapter.Adapter].
func (a *Adapter) Ping(ctx context.Context) error {
	_, err := a.ask(ctx, bson.D{{Key: "ping", Value: 1}})
	return translate(ctx, "ping", err)
}

// Close implements [adapter.Adapter]. It waits for results that are being closed.
func (a *Adapter) Close() error {
	if a.closed.Swap(true) {
		return nil
	}
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	a.closing.Wait()
	if c := a.client.Load(); c != nil {
		a.disconnect(c)
	}
	return nil
}

// Native implements [adapter.Explainer]: the command as extended JSON, or several on a line each, of which as many are sent
// as it takes to fill the page.
func (a *Adapter) Native(pushed *lqp.Query) (string, error) {
	m := mode{masked: true, facts: a.facts.Load()}
	p, _ := readApart(pushed, a.apartFrom, m.facts)
	steps := make([]statement, len(p.steps))
	reason := ""
	for i := range p.steps {
		if steps[i], reason = p.statement(&p.steps[i], pushed.Page.Limit+max(0, pushed.Page.Offset), m); reason != "" {
			break
		}
	}
	if len(steps) == 0 {
		steps = make([]statement, 1)
		steps[0], reason = compile(pushed, m)
	}
	if reason != "" {
		return "", fmt.Errorf("compile query: %w: %s", adapter.ErrUnsupported, reason)
	}
	var text []byte
	for i := range steps {
		command, err := bson.MarshalExtJSON(steps[i].command, false, false)
		if err != nil {
			return "", fmt.Errorf("compile query: %w", err)
		}
		if i > 0 {
			text = append(text, '\n')
		}
		text = append(text, command...)
	}
	return string(text), nil
}

// Estimate implements [adapter.Estimator]. It knows how many documents whole collections have and nothing else: -1.
func (a *Adapter) Estimate(ctx context.Context, pushed *lqp.Query) (int64, error) {
	st, reason := compile(pushed, mode{facts: a.facts.Load()})
	if reason != "" {
		return -1, fmt.Errorf("compile query: %w: %s", adapter.ErrUnsupported, reason)
	}
	switch {
	case st.whole && len(pushed.GroupBy) == 0:
		return 1, nil
	case pushed.Where != nil, pushed.Grouped(), len(pushed.Page.After) > 0, pushed.From.Schema.Kind == lqp.ViewTable:
		return -1, nil
	}
	n, err := a.count(ctx, pushed.From.Schema.Path[0])
	if err != nil {
		return -1, translate(ctx, "estimate "+pushed.From.Table, err)
	}
	n = max(0, n-int64(pushed.Page.Offset))
	if limit := int64(pushed.Page.Limit); limit > 0 {
		n = min(n, limit)
	}
	return n, nil
}

// count is the count of a collection's documents as its metadata has it.
func (a *Adapter) count(ctx context.Context, collection string) (int64, error) {
	reply, err := a.ask(ctx, bson.D{{Key: "count", Value: collection}})
	if err != nil {
		return -1, err
	}
	n, ok := reply.Lookup("n").AsInt64OK()
	if !ok || n < 0 {
		return -1, errors.New("the server did not count")
	}
	return n, nil
}
