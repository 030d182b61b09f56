package livetables_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	mysqladapter "github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// pushes remembers what was asked of the adapters that it opens.
type pushes struct {
	mu   sync.Mutex
	seen []push
}

type push struct {
	by    adapter.Adapter
	query *lqp.Query
}

type pushRecorder struct {
	adapter.Adapter
	to *pushes
}

func (r pushRecorder) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	r.to.mu.Lock()
	r.to.seen = append(r.to.seen, push{r.Adapter, q})
	r.to.mu.Unlock()
	return r.Adapter.Scan(ctx, q)
}

func (p *pushes) opener(open adapter.Opener) adapter.Opener {
	return func(ctx context.Context, s adapter.Settings) (adapter.Adapter, error) {
		a, err := open(ctx, s)
		if err != nil {
			return nil, err
		}
		return pushRecorder{a, p}, nil
	}
}

// take is what was asked since the last time.
func (p *pushes) take() (seen []push) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, p.seen = p.seen, nil
	return seen
}

// The table of this test: 20,000 parcels of 200 owners in 500 regions.
const (
	parcelRows  = 20_000
	parcelTable = `CREATE TABLE parcels (id int NOT NULL PRIMARY KEY, owner varchar(40) NOT NULL, region varchar(40) NOT NULL, n int NOT NULL, note varchar(80) NOT NULL)`
)

var parcelIndexes = []string{`CREATE INDEX parcels_owner ON parcels (owner, id)`, `CREATE INDEX parcels_region ON parcels (region, id)`}

func parcelsInPostgres(t *testing.T) livetables.ConnectionSpec {
	t.Helper()
	dsn := testenv.Postgres(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, s := range append([]string{parcelTable, fmt.Sprintf(`INSERT INTO parcels SELECT i, 'user' || i %% 200, 'region' || i %% 500, i %% 7, repeat('x', 60) FROM generate_series(1, %d) i`, parcelRows)}, append(parcelIndexes, `VACUUM ANALYZE parcels`)...) {
		_, err := conn.Exec(t.Context(), s)
		require.NoError(t, err, s)
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	password, _ := u.User.Password()
	return serverAt(t, u.Host, livetables.ConnectionSpec{Driver: "postgres", User: u.User.Username(), Database: strings.TrimPrefix(u.Path, "/")}, password)
}

func parcelsInMySQL(dsn func(testing.TB) string) func(t *testing.T) livetables.ConnectionSpec {
	return func(t *testing.T) livetables.ConnectionSpec {
		t.Helper()
		cfg, err := mysql.ParseDSN(dsn(t))
		require.NoError(t, err)
		db, err := sql.Open("mysql", cfg.FormatDSN())
		require.NoError(t, err)
		defer db.Close()
		db.SetMaxOpenConns(1)
		const digit = `(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)`
		fill := fmt.Sprintf(`INSERT INTO parcels SELECT i, CONCAT('user', i %% 200), CONCAT('region', i %% 500), i %% 7, REPEAT('x', 60) FROM
			(SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS i FROM %[1]s a, %[1]s b, %[1]s c, %[1]s e, %[1]s f) numbers WHERE i <= %[2]d`, digit, parcelRows)
		for _, s := range append([]string{parcelTable, fill}, append(parcelIndexes, `ANALYZE TABLE parcels`)...) {
			_, err := db.ExecContext(t.Context(), s)
			require.NoError(t, err, s)
		}
		return serverAt(t, cfg.Addr, livetables.ConnectionSpec{Driver: "mysql", User: cfg.User, Database: cfg.DBName}, cfg.Passwd)
	}
}

func serverAt(t *testing.T, address string, spec livetables.ConnectionSpec, password string) livetables.ConnectionSpec {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	spec.Host, spec.TLS = host, "off"
	spec.Port, err = strconv.Atoi(port)
	require.NoError(t, err)
	if password != "" {
		s := livetables.NewSecret(password)
		spec.Password = &s
	}
	return spec
}

// ruledByIndex are rules that an index on their column serves.
var ruledByIndex = []struct{ name, rule, index string }{
	{"the caller's own rows", `owner = CURRENT_USER()`, "parcels_owner"},
	{"an attribute of the caller", `region = USER("region")`, "parcels_region"},
	{"one of several conditions", `AND(n >= 0, owner = CURRENT_USER(), note <> "")`, "parcels_owner"},
	{"a list", `IN(region, "region7", "region8")`, "parcels_region"},
}

// parcelQueries are what members ask of the table: pages, counts, groups, and filters that would like to reach past the rule.
func parcelQueries(t *testing.T, from lqp.Source) map[string]*lqp.Query {
	from.Alias = "t"
	other := from
	other.Alias = "u"
	return map[string]*lqp.Query{
		"page":                {From: from, OrderBy: order(t, "id"), Page: lqp.Page{Limit: 20}},
		"page with a filter":  {From: from, Where: expr(t, "n > 2"), OrderBy: order(t, "id"), Page: lqp.Page{Limit: 20}},
		"page with an OR":     {From: from, Where: expr(t, `OR(TRUE(), n > 2, owner = "user9")`), OrderBy: order(t, "id"), Page: lqp.Page{Limit: 20}},
		"count":               {From: from, Aggregates: []lqp.Aggregate{{Name: "c", Func: "countall"}}},
		"groups":              {From: from, GroupBy: cols(t, "g=n"), Aggregates: []lqp.Aggregate{{Name: "c", Func: "countall"}}, OrderBy: order(t, "g")},
		"joined with another": {From: from, Joins: []lqp.Join{{Kind: lqp.Inner, Source: other, On: expr(t, "t.id = u.id")}}, Select: cols(t, "t.id", "m=u.n"), OrderBy: order(t, "t.id"), Page: lqp.Page{Limit: 20}},
	}
}

// TestRowRulesKeepIndexes has the databases themselves say how they answer members whose rows a rule keeps: by the index of
// the rule's column, and never by reading the table from end to end.
func TestRowRulesKeepIndexes(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) livetables.ConnectionSpec{
		"postgres": parcelsInPostgres, "mysql": parcelsInMySQL(testenv.MySQL), "mariadb": parcelsInMySQL(testenv.MariaDB),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			seen := &pushes{}
			keys, err := livetables.LoadKeys(filepath.Join(w.dir, "key"))
			require.NoError(t, err)
			engine, err := livetables.New(livetables.Options{Store: w.db, Sealer: keys, Logger: slog.New(slog.DiscardHandler), Dial: (&net.Dialer{}).DialContext, Plain: func(string, int) bool { return true },
				Openers: map[string]adapter.Opener{"postgres": seen.opener(postgres.Open), "mysql": seen.opener(mysqladapter.Open)}})
			require.NoError(t, err)
			defer engine.Close()
			spec := make(t)
			spec.Name = name
			region := map[string]lqp.Value{"region": lqp.TextValue("region7")} // rules are tried with the attributes of their author
			owner := engine.As(rbac.Principal{ID: "owner", Attributes: region})
			con, err := owner.CreateConnection(t.Context(), w.workspace, spec)
			require.NoError(t, err)
			_, err = w.owner.SetMember(t.Context(), w.workspace, "user7", rbac.Viewer)
			require.NoError(t, err)
			member := engine.As(rbac.Principal{ID: "user7", Attributes: region})
			from := lqp.Source{Connection: con.ID, Table: "parcels"}
			for _, c := range ruledByIndex {
				require.NoError(t, owner.PutRule(t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Connection: con.ID, Table: "parcels"}, Role: rbac.Viewer, Read: expr(t, c.rule)}))
				for what, q := range parcelQueries(t, from) {
					seen.take()
					rows, err := member.Query(t.Context(), w.workspace, q)
					require.NotEmpty(t, all(t, rows, err), "%s, %s", c.name, what)
					asked := seen.take()
					require.NotEmpty(t, asked)
					for _, p := range asked {
						x, err := p.by.(adapter.Examiner).Examine(t.Context(), p.query)
						require.NoError(t, err)
						require.Contains(t, x.Indexes, c.index, "%s, %s: %+v", c.name, what, x)
						require.Empty(t, x.Scans, "%s, %s", c.name, what)
						require.Less(t, x.Read, int64(parcelRows/10), "%s, %s: rows looked at", c.name, what)
					}
				}
			}
		})
	}
}

// TestRowRulesKeepIndexesOfTheMiniDB is the same for the mini-DB, asking SQLite's EXPLAIN QUERY PLAN.
func TestRowRulesKeepIndexesOfTheMiniDB(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("parcels", minidb.ColumnSpec{Name: "owner", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "region", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "n", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "note", Type: minidb.TextColumn})
	indexes := map[string]string{}
	for i, name := range []string{"owner", "region"} {
		x, err := w.owner.CreateIndex(ctx, tbl.ID, []minidb.IndexColumn{{Column: tbl.Columns[i].ID}}, 0)
		require.NoError(t, err)
		indexes["parcels_"+name] = x.ID
	}
	for from := 0; from < 4000; from += 1000 {
		rows := make([][]string, 1000)
		for i := range rows {
			rows[i] = []string{fmt.Sprint("user", (from+i)%200), fmt.Sprint("region", (from+i)%50), strconv.Itoa(i % 7), "x"}
		}
		w.insert(w.owner, tbl, rows...)
	}
	_, err := w.owner.SetMember(ctx, w.workspace, "user7", rbac.Viewer)
	require.NoError(t, err)
	region := map[string]lqp.Value{"region": lqp.TextValue("region7")}
	member, owner := w.engine.As(rbac.Principal{ID: "user7", Attributes: region}), w.engine.As(rbac.Principal{ID: "owner", Attributes: region})
	store, err := sqlite.OpenStore(ctx, filepath.Join(w.dir, "data.db"), sqlite.StoreOptions{})
	require.NoError(t, err)
	defer store.Close()
	for _, c := range ruledByIndex {
		ref := rbac.TableRef{Table: tbl.ID}
		for _, role := range []rbac.Role{rbac.Viewer, rbac.Admin} {
			require.NoError(t, owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: ref, Role: role, Read: expr(t, c.rule)}))
		}
		for what, q := range parcelQueries(t, lqp.Source{Table: tbl.ID}) {
			if what == "page" || what == "page with a filter" || what == "page with an OR" {
				q.OrderBy = nil // the order of creation
			} else if what == "joined with another" {
				continue // by row ids, which this table's queries do not name
			}
			rows, err := member.Query(ctx, w.workspace, q)
			require.NotEmpty(t, all(t, rows, err), "%s, %s", c.name, what)
			// Statements are shown to those who manage the rules; the admin is bound by the same one.
			x, err := w.engine.As(rbac.Principal{ID: "admin", Attributes: member.Principal().Attributes}).Explain(ctx, w.workspace, q)
			require.NoError(t, err)
			require.Len(t, x.Parts, 1)
			require.Empty(t, x.Parts[0].Residual, "%s, %s", c.name, what)
			var steps []string
			require.NoError(t, store.Read(ctx, func(tx adapter.Tx) error {
				found, err := tx.Query(ctx, "EXPLAIN QUERY PLAN "+x.Parts[0].Native, make([]lqp.Value, strings.Count(x.Parts[0].Native, "?"))...)
				if err != nil {
					return err
				}
				defer found.Close()
				for found.Next() {
					steps = append(steps, found.Value(3).Text())
				}
				return found.Err()
			}))
			plan := strings.Join(steps, "; ")
			require.Contains(t, plan, indexes[c.index], "%s, %s: %s", c.name, what, plan)
			require.Contains(t, plan, "SEARCH", "%s, %s", c.name, what)
		}
	}
}
