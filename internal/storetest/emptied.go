package storetest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/livetables/livetables/adapter/ddl"
)

// emptied are schemas that an earlier test is done with.
var emptied struct {
	sync.Mutex
	list []Place
}

// Emptied is New for tables that are no mini-DB's: on PostgreSQL a schema that an earlier test is done with is used again,
// its tables emptied by the statements. All tests of a package give the same ones.
func Emptied(t testing.TB, statements ...string) Place {
	t.Helper()
	if current != ddl.Postgres {
		return Fresh(t)
	}
	p := Place{}
	emptied.Lock()
	if n := len(emptied.list); n > 0 {
		p, emptied.list = emptied.list[n-1], emptied.list[:n-1]
	}
	emptied.Unlock()
	if p.URL == "" {
		p = unused(t)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.empty(ctx, statements); err != nil {
			t.Errorf("empty the test's schema: %v", err)
			return
		}
		emptied.Lock()
		defer emptied.Unlock()
		emptied.list = append(emptied.list, p)
	})
	return p
}

func (p Place) empty(ctx context.Context, statements []string) error {
	conn, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "SET search_path = "+pgx.Identifier{p.Schema}.Sanitize()+"; "+strings.Join(statements, "; "))
	return err
}
