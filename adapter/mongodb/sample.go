package mongodb

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The bounds of what a sample may make of a collection.
const (
	maxFields   = 200  // of one document: one with more is used as a map
	maxColumns  = 1000 // of a table
	maxNesting  = 8    // embedded documents that become columns
	maxNameSize = 255  // bytes of a field's name
)

// kind is what a sample distinguishes.
type kind uint8

const (
	kindNull kind = iota
	kindString
	kindObjectID
	kindUUID
	kindInt
	kindDecimal
	kindDouble
	kindBool
	kindDate
	kindBinary
	kindArray
	kindDocument
	kindOther
	kindCount
)

var kindNames = [kindCount]string{"null", "string", "objectId", "uuid", "int", "decimal", "double", "bool", "date", "binData", "array", "object", "other"}

func (r raw) sampled() kind {
	switch r.kind {
	case bson.TypeNull, bson.TypeUndefined:
		return kindNull
	case bson.TypeString:
		return kindString
	case bson.TypeObjectID:
		return kindObjectID
	case bson.TypeBinary:
		if subtype, data := r.binary(); subtype == bson.TypeBinaryUUID && len(data) == 16 {
			return kindUUID
		}
		return kindBinary
	case bson.TypeInt32, bson.TypeInt64:
		return kindInt
	case bson.TypeDecimal128:
		return kindDecimal
	case bson.TypeDouble:
		return kindDouble
	case bson.TypeBoolean:
		return kindBool
	case bson.TypeDateTime:
		return kindDate
	case bson.TypeArray:
		return kindArray
	case bson.TypeEmbeddedDocument:
		return kindDocument
	}
	return kindOther
}

// sample counts what a field held in some documents.
type sample struct {
	name     string
	seen     int // documents that have the field
	counts   [kindCount]int
	elements *sample   // of its arrays
	fields   []*sample // of its documents, as they first appeared
	byName   map[string]*sample
	skipped  map[string]bool // names that no column can have
	mapped   bool            // has too many fields to be anything but a map
}

// document adds one document.
func (s *sample) document(doc []byte, depth int) {
	if s.mapped || depth > maxNesting {
		s.mapped = true
		return
	}
	taken := map[string]bool{}
	for w := walk(doc); w.next(); {
		name := string(w.key)
		if taken[name] {
			continue
		}
		taken[name] = true
		if !safeName(name) || len(name) > maxNameSize {
			if s.skipped == nil {
				s.skipped = map[string]bool{}
			}
			if len(s.skipped) < maxFields {
				s.skipped[name] = true
			}
			continue
		}
		f := s.byName[name]
		if f == nil {
			if len(s.fields) >= maxFields && depth > 0 || len(s.fields) >= maxColumns {
				s.mapped = true
				return
			}
			if s.byName == nil {
				s.byName = map[string]*sample{}
			}
			f = &sample{name: name}
			s.byName[name] = f
			s.fields = append(s.fields, f)
		}
		f.add(w.val, depth)
	}
}

func (s *sample) add(v raw, depth int) {
	s.seen++
	k := v.sampled()
	s.counts[k]++
	switch k {
	case kindDocument:
		s.document(v.data, depth+1)
	case kindArray:
		if s.elements == nil {
			s.elements = &sample{}
		}
		for w := walk(v.data); w.next(); {
			s.elements.counts[w.val.sampled()]++
		}
	}
}

// present is how many values were there that are not null.
func (s *sample) present() (n int) {
	for k := kindNull + 1; k < kindCount; k++ {
		n += s.counts[k]
	}
	return n
}

// storage decides how the field is read; document says that it becomes the columns of its fields. Without a type that
// nearly all values have the field is json, as it is when no value was seen.
func (s *sample) storage() (st storage, document bool) {
	all := s.present()
	enough := func(n int) bool { return n > 0 && n*20 >= all*19 }
	if enough(s.counts[kindDocument]) {
		if s.mapped || len(s.fields) == 0 {
			return storage{form: jsonForm}, false
		}
		return storage{}, true
	}
	if enough(s.counts[kindArray]) {
		return s.array(), false
	}
	if f := s.scalar(); f != noForm {
		return storage{form: f}, false
	}
	return storage{form: jsonForm}, false
}

func (s *sample) array() storage {
	if s.elements.present() > 0 {
		if f := s.elements.scalar(); f.scalar() {
			return storage{form: arrayForm, elem: f}
		}
	}
	return storage{form: jsonForm}
}

// scalar is the form that holds most of the values, noForm when that is too few. Of equals the narrowest is taken. A few
// other binaries among UUIDs do not make them all binaries.
func (s *sample) scalar() form {
	c := &s.counts
	if n := c[kindUUID]; n > 0 && n*20 >= s.present()*19 {
		return uuidForm
	}
	best, most := noForm, 0
	for _, o := range []struct {
		form form
		n    int
	}{
		{stringForm, c[kindString]}, {objectIDForm, c[kindObjectID]}, {boolForm, c[kindBool]},
		{dateForm, c[kindDate]}, {intForm, c[kindInt]},
		{decimalForm, c[kindInt] + c[kindDecimal]}, {doubleForm, c[kindInt] + c[kindDouble]},
		{bytesForm, c[kindBinary] + c[kindUUID]},
	} {
		if o.n > most {
			best, most = o.form, o.n
		}
	}
	if most*20 < s.present()*19 {
		return noForm
	}
	return best
}

// statistics says what was seen in so many documents around the field: "string 98%, missing 2%".
func (s *sample) statistics(around int) string {
	var parts []string
	part := func(name string, n int) {
		if n <= 0 || around <= 0 {
			return
		}
		percent := fmt.Sprintf("%.0f%%", 100*float64(n)/float64(around))
		switch {
		case n*200 < around: // not rounded to nothing
			percent = "<1%"
		case n < around && percent == "100%":
			percent = ">99%"
		}
		parts = append(parts, name+" "+percent)
	}
	for k := kindNull + 1; k < kindCount; k++ {
		part(kindNames[k], s.counts[k])
	}
	part(kindNames[kindNull], s.counts[kindNull])
	part("missing", around-s.seen)
	return strings.Join(parts, ", ")
}
