package musicshop

import (
	"strings"

	"github.com/livetables/livetables/lqp"
)

// shop is all data of a music shop, in the names of its PostgreSQL copy and in canonical values.
type shop struct {
	name   string
	tables []*table // those that others refer to come first
}

type table struct {
	name    string
	columns []column
	key     []string
	rows    [][]lqp.Value
}

// column is a column of the shop. Size is the length of a text.
type column struct {
	name    string
	kind    kind
	size    int
	notNull bool
}

type kind uint8

const (
	integer kind = iota
	money        // ten digits, two of them after the point
	text
	instant
)

// types are the logical types of the kinds.
var types = map[kind]lqp.Type{integer: {Kind: lqp.Number}, money: {Kind: lqp.Number, Precision: 10, Scale: 2}, text: {Kind: lqp.Text}, instant: {Kind: lqp.DateTime}}

// definition describes the shop, a table in each line: its name, its key and its columns. A column's letter says what it
// holds: i integer, m money, d date and time, a number a text of that length; an exclamation mark forbids NULL.
const definition = `
genre: genre_id; genre_id i!, name 120
media_type: media_type_id; media_type_id i!, name 120
artist: artist_id; artist_id i!, name 120
album: album_id; album_id i!, title 160!, artist_id i!
track: track_id; track_id i!, name 200!, album_id i, media_type_id i!, genre_id i, composer 220, milliseconds i!, bytes i, unit_price m!
employee: employee_id; employee_id i!, last_name 20!, first_name 20!, title 30, reports_to i, birth_date d, hire_date d, address 70, city 40, state 40, country 40, postal_code 10, phone 24, fax 24, email 60
customer: customer_id; customer_id i!, first_name 40!, last_name 20!, company 80, address 70, city 40, state 40, country 40, postal_code 10, phone 24, fax 24, email 60!, support_rep_id i
invoice: invoice_id; invoice_id i!, customer_id i!, invoice_date d!, billing_address 70, billing_city 40, billing_state 40, billing_country 40, billing_postal_code 10, total m!
invoice_line: invoice_line_id; invoice_line_id i!, invoice_id i!, track_id i!, unit_price m!, quantity i!
playlist: playlist_id; playlist_id i!, name 120
playlist_track: playlist_id, track_id; playlist_id i!, track_id i!
`

// newShop is a shop without rows.
func newShop(name string) *shop {
	s := &shop{name: name}
	for line := range strings.Lines(strings.TrimSpace(definition)) {
		tableName, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		key, columns, _ := strings.Cut(rest, "; ")
		t := &table{name: tableName, key: strings.Split(key, ", ")}
		for part := range strings.SplitSeq(columns, ", ") {
			name, kindText, _ := strings.Cut(part, " ")
			kindText, notNull := strings.CutSuffix(kindText, "!")
			c := column{name: name, notNull: notNull}
			switch kindText {
			case "i":
				c.kind = integer
			case "m":
				c.kind = money
			case "d":
				c.kind = instant
			default:
				c.kind = text
				for _, digit := range kindText {
					c.size = c.size*10 + int(digit-'0')
				}
			}
			t.columns = append(t.columns, c)
		}
		s.tables = append(s.tables, t)
	}
	return s
}

// table finds a table of the shop, which has to be there.
func (s *shop) table(name string) *table {
	for _, t := range s.tables {
		if t.name == name {
			return t
		}
	}
	panic("the shop has no table " + name)
}

// add appends a row. Cells are int, string, lqp.Value or nil for NULL, in the order of the columns.
func (t *table) add(cells ...any) {
	row := make([]lqp.Value, len(t.columns))
	for i, cell := range cells {
		switch v := cell.(type) {
		case int:
			row[i] = lqp.IntValue(int64(v))
		case string:
			row[i] = lqp.TextValue(v)
		case lqp.Value:
			row[i] = v
		}
	}
	t.rows = append(t.rows, row)
}
