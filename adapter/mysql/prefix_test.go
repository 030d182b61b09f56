package mysql

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/stretchr/testify/require"
)

// inFormula writes a text between the quotes of a formula.
var inFormula = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`)

// TestPrefixesUseIndexes looks for the beginnings of hostile texts under every collation whose index may serve that, and under
// those that lose rows when LIKE is asked of their index.
func TestPrefixesUseIndexes(t *testing.T) {
	collations := map[string]string{"utf8mb4_general_ci": "range", "utf8mb4_unicode_520_ci": "range", "utf8mb4_bin": "range", "utf8mb4_unicode_ci": "", "utf8mb4_czech_ci": ""}
	onServers(t, nil, func(t *testing.T, d *database) {
		r := rand.New(rand.NewPCG(1, 2))
		alphabet := append([]string{" ", "  ", "A", "a", "ä", "%", "_", `\\`, "'", "ch", "Σ", "ς", "ǆ", "ﬀ", "ss", "z", "ﾟ", "か", "\u3099", "\u0e40", "\u0e01", "\u0301", "!"}, hostile...)
		binary, ours := "utf8mb4_0900_bin", []string{"utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs"}
		if d.mariadb() {
			binary, ours = "utf8mb4_nopad_bin", []string{"utf8mb4_uca1400_ai_ci"}
		}
		for _, c := range append(ours, binary) {
			collations[c] = "range"
		}
		for collation, want := range collations {
			if strings.Contains(collation, "0900") == d.mariadb() && strings.Contains(collation, "0900") || strings.Contains(collation, "1400") && !d.mariadb() || strings.Contains(collation, "nopad") && !d.mariadb() {
				continue
			}
			d.exec(`DROP TABLE IF EXISTS p`, `CREATE TABLE p (id int PRIMARY KEY, s varchar(40) CHARACTER SET utf8mb4 COLLATE `+collation+`, filler char(200), KEY k (s))`)
			texts := prefixRows(t, d, r, alphabet)
			d.Discover()
			used := 0
			for range 40 {
				s := []rune(texts[r.IntN(len(texts))])
				p := string(s[:1+r.IntN(len(s))])
				q := d.Bind(`{"source":{"table":"p"},"filters":` + databasetest.Quote(`STARTS_WITH({s}, "`+inFormula.Replace(p)+`")`) + `,"columns":["id","filler"],"sorts":["id"]}`)
				got, split := d.Planned(q)
				n := 0
				for _, s := range texts {
					if strings.HasPrefix(s, p) {
						n++
					}
				}
				require.Len(t, got, n, "%s: %q\n%s", collation, p, d.Show(split))
				compiled, err := d.dialect.Load().compile(split.Pushed)
				require.NoError(t, err)
				steps, err := d.explain(t.Context(), compiled)
				require.NoError(t, err)
				if steps[0]["type"] == "range" {
					used++
				}
			}
			require.Equal(t, want != "", used > 0, "%s: %d ranges", collation, used)
		}
	})
}

// prefixRows fills the table p with texts without U+0000 and answers with them.
func prefixRows(t *testing.T, d *database, r *rand.Rand, alphabet []string) (texts []string) {
	var values []string
	var args []any
	for i := range 3000 {
		s := ""
		for range 1 + r.IntN(4) {
			s += alphabet[r.IntN(len(alphabet))]
		}
		if s == "" {
			s = "a"
		}
		values, args, texts = append(values, fmt.Sprintf("(%d, ?, 'x')", i)), append(args, s), append(texts, s)
	}
	_, err := d.admin.ExecContext(t.Context(), "INSERT INTO p VALUES "+strings.Join(values, ", "), args...)
	require.NoError(t, err)
	d.exec("ANALYZE TABLE p")
	return texts
}
