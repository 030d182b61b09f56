package musicshop

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
)

// The words that names are made of. They begin with letters of several alphabets and cases, differ from each other only in
// case, accent or a space at the end, and are not all in the basic plane.
var (
	nouns     = []string{"Sun", "sun", "Rain", "Canção", "cancao", "Ærø", "Öl", "ol", "Straße", "STRASSE", "ночь", "Ночь", "夜", "🎵", "Été", "été", "Coração", "River", "Żółw", "Ångström", "zebra", "Zebra"}
	surnames  = []string{"Gonçalves", "Hansen", "Schröder", "O'Reilly", "Müller", "Tremblay", "Dvořák", "Łukasz", "Smith", "smith", "José", "Jose", "Ólafur", "van Dyke"}
	genres    = []string{"Rock", "rock", "Jazz", "Samba", "Música", "Metal", "Blues", "Opera", "Världsmusik", "Pop "}
	countries = []string{"Brazil", "Canada", "USA", "Germany", "Norway", "Österreich", "France", "Česko"}
	cities    = []string{"São Paulo", "Montréal", "Reno", "Köln", "Oslo", "Wien", "Paris", "Praha", "Rio", "oslo"}
)

// generator makes up a shop.
type generator struct {
	*rand.Rand
}

// generate makes a shop of a few thousand rows, the same one for the same seed. It has ties, NULLs, references that lead
// nowhere else than to NULL, names in several alphabets and rows that nothing refers to.
func generate(seed uint64) *shop {
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	s := newShop("generated")
	for i, name := range genres {
		s.table("genre").add(i+1, name)
	}
	s.table("genre").add(len(genres)+1, nil)
	for i, name := range []string{"MPEG", "AAC", "AAC ", "Видео"} {
		s.table("media_type").add(i+1, name)
	}
	const artists, albums, tracks = 90, 160, 900
	for i := range artists {
		s.table("artist").add(i+1, g.maybe(20, g.phrase(1)))
	}
	for i := range albums {
		s.table("album").add(i+1, g.phrase(2), 1+g.IntN(artists*2/3))
	}
	for i := range tracks {
		// Few different lengths and prices: many tracks tie.
		s.table("track").add(i+1, g.phrase(2), g.maybe(15, 1+g.IntN(albums)), 1+g.IntN(4), g.maybe(10, 1+g.IntN(len(genres)+1)),
			g.maybe(3, g.pick(surnames)), 120_000+1_000*g.IntN(300), g.maybe(8, 1_000_000+g.IntN(9_000_000)), cents([]int{99, 199, 100, 5}[g.IntN(4)]))
	}
	g.people(s)
	g.sales(s, tracks)
	for i, name := range []string{"Music", "Music", "música", "Leer", "90’s", "Ночь"} {
		s.table("playlist").add(i+1, name)
		if name == "Leer" {
			continue
		}
		for track := 1 + i; track <= tracks; track += 2 + g.IntN(3) {
			s.table("playlist_track").add(i+1, track)
		}
	}
	s.table("playlist").add(7, nil)
	return s
}

func (g generator) people(s *shop) {
	day := func(year int) lqp.Value {
		return lqp.DateTimeValue(time.Date(year+g.IntN(20), time.Month(1+g.IntN(12)), 1+g.IntN(28), 0, 0, 0, 0, time.UTC).UnixMilli())
	}
	for i := range 12 {
		boss := g.maybe(6, max(i/3, 1))
		if i == 0 {
			boss = nil
		}
		s.table("employee").add(i+1, g.pick(surnames), g.pick(nouns), g.maybe(5, g.pick([]string{"Sales", "IT", "Führung"})), boss, g.maybe(6, day(1950)),
			g.maybe(6, day(2000)), g.phrase(1), g.pick(cities), g.maybe(2, "AB"), g.pick(countries), "T5K 2N1", "+1 780", nil, fmt.Sprintf("e%d@example.com", i))
	}
	for i := range 80 {
		s.table("customer").add(i+1, g.pick(nouns), g.pick(surnames), g.maybe(2, g.phrase(2)), g.phrase(2), g.pick(cities), g.maybe(2, g.pick([]string{"SP", "QC", "nv", "NV"})),
			g.maybe(12, g.pick(countries)), g.maybe(4, fmt.Sprintf("%05d", g.IntN(90000))), g.maybe(3, "+47"), nil, fmt.Sprintf("c%d@example.com", i), g.maybe(9, 1+g.IntN(12)))
	}
}

func (g generator) sales(s *shop, tracks int) {
	invoices, lines, customers := s.table("invoice"), s.table("invoice_line"), s.table("customer")
	first := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 420 {
		customer := customers.rows[g.IntN(len(customers.rows)*3/4)]
		// Many fall on the hours around midnight, where a day and a month depend on the time zone.
		at := first.AddDate(0, 0, g.IntN(1500)).Add(time.Duration(g.IntN(8)*3-12)*time.Hour + time.Duration(g.IntN(3))*time.Millisecond)
		total := 0
		for range 1 + g.IntN(6) {
			price, quantity := []int{99, 199, 5}[g.IntN(3)], 1+g.IntN(3)
			total += price * quantity
			// Tracks at the end are never sold.
			lines.add(len(lines.rows)+1, i+1, 1+g.IntN(tracks*4/5), cents(price), quantity)
		}
		invoices.add(i+1, customer[0], lqp.DateTimeValue(at.UnixMilli()), customer[4], customer[5], customer[6], customer[7], customer[8], cents(total))
	}
}

func (g generator) pick(from []string) string { return from[g.IntN(len(from))] }

// maybe is NULL once in so many times.
func (g generator) maybe(times int, v any) any {
	if g.IntN(times) == 0 {
		return nil
	}
	return v
}

// phrase is a name of some words, sometimes with a number, a quote, a backslash or a space at its end.
func (g generator) phrase(words int) string {
	parts := make([]string, 0, words+1)
	for range words {
		parts = append(parts, g.pick(nouns))
	}
	switch g.IntN(8) {
	case 0:
		parts = append(parts, strconv.Itoa(g.IntN(100)))
	case 1:
		parts = append(parts, `"d'or" \ 100%`)
	case 2:
		parts = append(parts, "")
	}
	return strings.Join(parts, " ")
}

func cents(n int) lqp.Value { return lqp.NumberValue(lqp.DecimalFromScaled(int64(n), 2)) }
