package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter/internal/settings"
	"github.com/livetables/livetables/lqp"
)

// probe finds out, once per adapter and on its first connection, what the server can be trusted with. Until then plans
// are conservative: a text stays in memory rather than be compared by rules that are not known.
func (a *Adapter) probe(ctx context.Context, s *session, f facts) error {
	if a.probed.Load() {
		return nil
	}
	a.probing.Lock()
	defer a.probing.Unlock()
	if a.probed.Load() {
		return nil
	}
	var err error
	if f.order, err = s.sameOrder(ctx, f.collation); err != nil {
		return err
	}
	if f.numbers, err = s.sameNumbers(ctx); err != nil {
		return err
	}
	for _, casing := range []string{"utf8mb4_uca1400_ai_ci", "utf8mb4_0900_ai_ci"} {
		if f.mariadb != strings.Contains(casing, "1400") {
			continue
		}
		same, err := s.sameCasing(ctx, casing)
		if err != nil {
			return err
		}
		if same {
			f.casing = casing
		}
	}
	a.dialect.Store(newDialect(f, settings.ZoneName(a.zone)))
	a.probed.Store(true)
	return nil
}

// ask runs a statement with text parameters and returns its cells as texts, row by row; NULL is the empty one.
func (s *session) ask(ctx context.Context, sql string, args ...string) (out []string, err error) {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return s.askWith(ctx, sql, named)
}

// askWith is ask with parameters of any type.
func (s *session) askWith(ctx context.Context, sql string, named []driver.NamedValue) (out []string, err error) {
	defer guard(&err)
	st, err := s.conn.PrepareContext(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	rows, err := st.(driver.StmtQueryContext).QueryContext(ctx, named)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	dest := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(dest)
		if errors.Is(err, io.EOF) {
			return out, rows.Close()
		}
		if err != nil {
			return nil, err
		}
		for _, v := range dest {
			out = append(out, cellText(v))
		}
	}
}

func cellText(v driver.Value) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// hostile are texts that collations put elsewhere than their code points say: by case, accents, trailing blanks, ignored
// and control characters, surrogate pairs.
var hostile = []string{
	"", " ", "  ", "\t", "\n", "\x01", "\x1f", "!", "-", "0", "10", "9", "A", "AA", "B", "Z", "_", "a", "a ", "a\t", "a\x01", "aa", "ab", "b", "z",
	"\x7f", "\u00a0", "\u00ad", "É", "ß", "é", "e\u0301", "ı", "İ", "\u200b", "\u2028", "ﬁ", "中", "\ud7ff", "\ue000", "\ufeff", "\uffff",
	"𐀀", "😀", "\U0010ffff",
}

// sameOrder compares the order and the equality of hostile texts.
func (s *session) sameOrder(ctx context.Context, collation string) (bool, error) {
	shuffled := make([]string, len(hostile))
	for i, text := range hostile {
		shuffled[(i*17+5)%len(hostile)] = text
	}
	list := "SELECT CAST(? AS CHAR) AS s" + strings.Repeat(" UNION ALL SELECT CAST(? AS CHAR)", len(hostile)-1)
	got, err := s.ask(ctx, "SELECT s FROM ("+list+") AS t ORDER BY s COLLATE "+collation, shuffled...)
	if err != nil {
		return false, err
	}
	want := slices.Clone(hostile)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return false, nil
	}
	count, err := s.ask(ctx, "SELECT CAST(COUNT(DISTINCT s COLLATE "+collation+") AS CHAR) FROM ("+list+") AS t", shuffled...)
	if err != nil || len(count) != 1 {
		return false, err
	}
	zero, err := s.ask(ctx, `SELECT CAST(LOCATE('\0', 'a\0b' COLLATE `+collation+`) + 10 * LOCATE('\0', 'ab' COLLATE `+collation+`) AS CHAR)`)
	return len(zero) == 1 && zero[0] == "2" && count[0] == decimalOf(uint64(len(hostile))).String(), err
}

// operands meet each other in every operation of the probe: extremes, ties and quotients close to a tie.
var operands = []string{
	"1", "-1", "2", "-3", "7", "0.5", "-2.5", "0.00001", "0.000005", "0.0000000001", "-0.0000000003", "12345678901234567890.1234567891",
	"99999999999999999999.9999999999", "-66666666666666666667", "31415926535.8979323846", "20000000000.0000000001",
}

// sameNumbers compares sums, products, quotients and remainders of decimals.
func (s *session) sameNumbers(ctx context.Context) (bool, error) {
	var cells []string
	var want []lqp.Decimal
	add := func(sql string, d lqp.Decimal, ok bool) {
		if ok {
			cells, want = append(cells, "CAST("+sql+" AS CHAR)"), append(want, d)
		}
	}
	for _, x := range operands {
		for _, y := range operands {
			a, _ := lqp.ParseDecimal(x)
			b, _ := lqp.ParseDecimal(y)
			l, r := "CAST('"+x+"' AS "+decimalType+")", "CAST('"+y+"' AS "+decimalType+")"
			sum, ok := a.Add(b)
			add(l+" + "+r, sum, ok)
			product, ok := a.Mul(b)
			add("ROUND("+l+" * "+r+", 10)", product, ok)
			quotient, ok := a.Div(b)
			add(divBegin+l+divMiddle+r+divEnd, quotient, ok)
			rest, ok := a.Mod(b)
			add("(MOD(MOD("+l+", "+r+") + "+r+", "+r+") + 0)", rest, ok)
		}
	}
	got, err := s.row(ctx, "SELECT "+strings.Join(cells, ", "))
	if err != nil || len(got) != len(want) {
		return false, err
	}
	for i, text := range got {
		if !shows(text, want[i]) {
			return false, nil
		}
	}
	return true, nil
}

// shows reports that a text is that of d, and not -0, which is another group key than 0.
func shows(text string, d lqp.Decimal) bool {
	got, err := lqp.ParseDecimal(text)
	return err == nil && got == d && (d.Sign() != 0 || text[0] != '-')
}

// caseRanges are the code points that are compared: everything below U+20000 but CJK, Hangul, surrogates and private
// use, where no letter has case.
var caseRanges = [][2]rune{{1, 0x33FF}, {0xA000, 0xABFF}, {0xF900, 0xFDFF}, {0xFE00, 0x1F7FF}}

// sameCasing asks the server to map all those code points and compares digests: first of those that have case, which tells
// most servers with older tables, then of all. A server with another mapping is not asked to change case.
func (s *session) sameCasing(ctx context.Context, collation string) (bool, error) {
	p := ourCasing()
	for _, text := range []casing{p.cased, p.all} {
		got, err := s.ask(ctx, "SELECT SHA2(LOWER(s COLLATE "+collation+"), 256), SHA2(UPPER(s COLLATE "+collation+"), 256) "+
			"FROM (SELECT CAST(? AS CHAR) AS s) AS t", text.text)
		if my := (*mysql.MySQLError)(nil); errors.As(err, &my) { // an old server without the collation
			got, err = nil, nil
		}
		if err != nil || !slices.Equal(got, []string{text.lower, text.upper}) {
			return false, err
		}
	}
	return true, nil
}

// casing is a text and the digests of our own mapping of it.
type casing struct{ text, lower, upper string }

var ourCasing = sync.OnceValue(func() (p struct{ cased, all casing }) {
	var all, cased []rune
	for _, r := range caseRanges {
		for c := r[0]; c <= r[1]; c++ {
			all = append(all, c)
			if unicode.ToLower(c) != c || unicode.ToUpper(c) != c {
				cased = append(cased, c)
			}
		}
	}
	p.cased, p.all = digest(cased), digest(all)
	return p
})

func digest(text []rune) casing {
	hash := func(mapping func(rune) rune) string {
		var mapped []byte
		for _, c := range text {
			mapped = utf8.AppendRune(mapped, mapping(c))
		}
		sum := sha256.Sum256(mapped)
		return hex.EncodeToString(sum[:])
	}
	return casing{string(text), hash(unicode.ToLower), hash(unicode.ToUpper)}
}
