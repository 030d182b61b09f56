package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"
)

// probe finds out, once per adapter and on its first connection, what the server can be trusted with. Until then plans
// are conservative: a text stays in memory rather than be compared by rules that are not known.
func (a *Adapter) probe(ctx context.Context, pg *pgconn.PgConn) error {
	if a.probed.Load() {
		return nil
	}
	a.probing.Lock()
	defer a.probing.Unlock()
	if a.probed.Load() {
		return nil
	}
	f, err := askFacts(ctx, pg)
	if err != nil {
		return err
	}
	d := *a.dialect.Load()
	d.facts = f
	a.dialect.Store(&d)
	a.probed.Store(true)
	return nil
}

const factsSQL = `SELECT current_setting('server_version'), pg_encoding_to_char(d.encoding), d.datcollate,
 coalesce(to_jsonb(d)->>'datlocprovider', 'c') FROM pg_database d WHERE d.datname = current_database()`

func askFacts(ctx context.Context, pg *pgconn.PgConn) (facts, error) {
	res := pg.ExecParams(ctx, factsSQL, nil, nil, nil, nil).Read()
	if res.Err != nil {
		return facts{}, res.Err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 4 {
		return facts{}, fmt.Errorf("the server did not describe its database")
	}
	row := res.Rows[0]
	f := facts{version: string(row[0]), utf8: string(row[1]) == "UTF8"}
	collate, provider := string(row[2]), string(row[3])
	f.binary = provider == "c" && (collate == "C" || collate == "POSIX")
	if f.utf8 {
		f.casing = sameCasing(ctx, pg)
	}
	return f, nil
}

// caseRanges are the code points that are compared: everything below U+20000 but CJK, Hangul, surrogates and private
// use, where no letter has case.
var caseRanges = [][2]rune{{1, 0x33FF}, {0xA000, 0xABFF}, {0xF900, 0xFDFF}, {0xFE00, 0x1F7FF}}

// sameCasing asks the server to map all those code points and compares a digest. A server without the collation, or with
// another mapping, is not asked to change case.
func sameCasing(ctx context.Context, pg *pgconn.PgConn) bool {
	var ranges strings.Builder
	for i, r := range caseRanges {
		if i > 0 {
			ranges.WriteString(" UNION ALL ")
		}
		fmt.Fprintf(&ranges, "SELECT g FROM generate_series(%d, %d) g", r[0], r[1])
	}
	sql := `SELECT encode(sha256(convert_to(string_agg(lower(chr(g) COLLATE "C.utf8"), '' ORDER BY g), 'UTF8')), 'hex'),
 encode(sha256(convert_to(string_agg(upper(chr(g) COLLATE "C.utf8"), '' ORDER BY g), 'UTF8')), 'hex') FROM (` + ranges.String() + `) AS r`
	res := pg.ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	if res.Err != nil || len(res.Rows) != 1 || len(res.Rows[0]) != 2 {
		return false
	}
	lower, upper := ourCasing()
	return string(res.Rows[0][0]) == lower && string(res.Rows[0][1]) == upper
}

// ourCasing is the digest of our own mapping.
var ourCasing = sync.OnceValues(func() (lower, upper string) {
	var l, u []byte
	for _, r := range caseRanges {
		for c := r[0]; c <= r[1]; c++ {
			l = append(l, string(unicode.ToLower(c))...)
			u = append(u, string(unicode.ToUpper(c))...)
		}
	}
	ls, us := sha256.Sum256(l), sha256.Sum256(u)
	return hex.EncodeToString(ls[:]), hex.EncodeToString(us[:])
})
