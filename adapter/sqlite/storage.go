package sqlite

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/livetables/livetables/lqp"
)

// form is how the values of a column lie in the file.
type form uint8

const (
	formAny      form = iota // whatever the storage class says: the result of a statement in SQL of its own
	formBool                 // INTEGER 0 or 1
	formInt                  // INTEGER, scaled: the value times 10^scale
	formDecimal              // TEXT, canonical digits, ordered by collation LT_NUM
	formNumeric              // INTEGER or REAL in a DECIMAL column of a foreign file
	formKey                  // TEXT that compares like the number it stands for, see appendNumKey: computed numbers
	formFloat                // REAL
	formText                 // TEXT
	formDate                 // TEXT 'YYYY-MM-DD'
	formDateTime             // TEXT 'YYYY-MM-DDTHH:MM:SS.sssZ'
	formList                 // TEXT, JSON array
	formJSON                 // TEXT, JSON
	formBytes                // BLOB
	formStamp                // TEXT in one of the other layouts of a date and time, see layouts
)

// storage is the form of one column with the facts needed to read and write it.
type storage struct {
	form  form
	scale int
	elem  lqp.Kind // of a list
	// loose says that the file does not promise the form: other storage classes and malformed values may occur and are
	// read as NULL.
	loose bool
	// unbound says that SQLite may convert what a loose column is compared with: its affinity is unknown or another one.
	unbound bool
}

// The declared types of a store. Each contains the word that gives the column its SQLite affinity (INT, TEXT, REAL,
// BLOB) and, where SQLite's own names would be ambiguous, tells the meaning.
const (
	declBool     = "BOOLINT"
	declScaled   = "DECINT"
	declInteger  = "INTEGER"
	declDecimal  = "DECTEXT"
	declFloat    = "REAL"
	declText     = "TEXT"
	declDate     = "DATETEXT"
	declDateTime = "DATETIMETEXT"
	declList     = "LISTTEXT_" // and the kind of the elements
	declJSON     = "JSONTEXT"
	declBytes    = "BLOB"
)

// collationNum orders canonical decimal texts by value. It is registered on every connection.
const collationNum = "LT_NUM"

// maxScaled is the widest number kept as a scaled 64-bit integer; 19 digits may overflow it.
const maxScaled = 18

// declareType is the column type of a CREATE TABLE that keeps every canonical value of t.
func declareType(t lqp.Type) string {
	switch t.Kind {
	case lqp.Bool:
		return declBool
	case lqp.Number:
		switch {
		case t.Precision == 19 && t.Scale == 0:
			return declInteger
		case t.Precision > 0 && t.Precision <= maxScaled && t.Scale >= 0 && t.Scale <= 10:
			return declScaled + "(" + strconv.Itoa(t.Precision) + "," + strconv.Itoa(t.Scale) + ")"
		case t.Precision > 0:
			return declDecimal + "(" + strconv.Itoa(t.Precision) + "," + strconv.Itoa(t.Scale) + ") COLLATE " + collationNum
		}
		return declDecimal + " COLLATE " + collationNum
	case lqp.Float:
		return declFloat
	case lqp.Text:
		if t.MaxLen > 0 {
			return declText + "(" + strconv.Itoa(t.MaxLen) + ")"
		}
		return declText
	case lqp.Date:
		return declDate
	case lqp.DateTime:
		return declDateTime
	case lqp.List:
		return declList + strings.ToUpper(t.Elem.String())
	case lqp.JSON:
		return declJSON
	}
	return declBytes
}

// parseDeclared reads a declared type: those of a store exactly, any other by the conventions of SQLite. The affinity
// rules of SQLite look for words inside the name, and so does this.
func parseDeclared(decl string) (storage, lqp.Type) {
	name, args := splitDeclared(decl)
	switch name {
	case declBool:
		return storage{form: formBool}, lqp.Type{Kind: lqp.Bool}
	case declScaled:
		t := lqp.Type{Kind: lqp.Number, Precision: maxScaled}
		if len(args) > 0 {
			t.Precision = args[0]
		}
		if len(args) > 1 {
			t.Scale = args[1]
		}
		if t.Precision < 1 || t.Precision > maxScaled || t.Scale < 0 || t.Scale > lqp.DecimalDigits {
			break // no store declares this; what stands in the file is believed as far as it makes sense
		}
		return storage{form: formInt, scale: t.Scale}, t
	case declDecimal:
		t := lqp.Type{Kind: lqp.Number}
		if len(args) > 1 && args[0] > 0 && args[1] >= 0 {
			t.Precision, t.Scale = args[0], args[1]
		}
		return storage{form: formDecimal}, t
	case declDate:
		return storage{form: formDate}, lqp.Type{Kind: lqp.Date}
	case declDateTime:
		return storage{form: formDateTime}, lqp.Type{Kind: lqp.DateTime}
	case declJSON:
		return storage{form: formJSON}, lqp.Type{Kind: lqp.JSON}
	}
	if elem, ok := strings.CutPrefix(name, declList); ok {
		if k, ok := lqp.ParseKind(strings.ToLower(elem)); ok && k <= lqp.DateTime {
			return storage{form: formList, elem: k}, lqp.Type{Kind: lqp.List, Elem: k}
		}
	}
	return conventional(name, args)
}

// conventional maps the declared types that people use in files of their own.
func conventional(name string, args []int) (storage, lqp.Type) {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(name, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("BOOL"):
		return storage{form: formBool}, lqp.Type{Kind: lqp.Bool}
	case has("INTERVAL"), has("POINT"): // not integers in spite of the affinity SQLite gives them
		return storage{form: formText}, lqp.Type{Kind: lqp.Text}
	case has("INT"), name == "SERIAL", name == "BIGSERIAL":
		return storage{form: formInt}, lqp.Type{Kind: lqp.Number, Precision: 19}
	case has("DATETIME", "TIMESTAMP"):
		return storage{form: formDateTime}, lqp.Type{Kind: lqp.DateTime}
	case name == "DATE":
		return storage{form: formDate}, lqp.Type{Kind: lqp.Date}
	case has("JSON"):
		return storage{form: formJSON}, lqp.Type{Kind: lqp.JSON}
	case has("CHAR", "CLOB", "TEXT", "STRING", "UUID", "TIME"):
		t := lqp.Type{Kind: lqp.Text}
		if len(args) == 1 {
			t.MaxLen = max(args[0], 0)
		}
		return storage{form: formText}, t
	case has("BLOB", "BINARY", "BYTEA"):
		return storage{form: formBytes}, lqp.Type{Kind: lqp.Bytes}
	case has("REAL", "FLOA", "DOUB"):
		return storage{form: formFloat}, lqp.Type{Kind: lqp.Float}
	case has("DEC", "NUMERIC", "NUMBER", "MONEY"):
		return storage{form: formNumeric}, lqp.Type{Kind: lqp.Number}
	}
	return storage{form: formText}, lqp.Type{Kind: lqp.Text}
}

// splitDeclared takes "DECIMAL(10, 2)" apart. Words are upper-cased and blanks trimmed; what is not a number in the
// parentheses is ignored.
func splitDeclared(decl string) (name string, args []int) {
	name, rest, ok := strings.Cut(decl, "(")
	name = strings.ToUpper(strings.TrimSpace(name))
	if !ok {
		return name, nil
	}
	rest, _, _ = strings.Cut(rest, ")")
	for _, part := range strings.Split(rest, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return name, nil
		}
		args = append(args, n)
	}
	return name, args
}

// nativeStrict ends the Native of a column of a STRICT table, in which SQLite refuses other storage classes.
const nativeStrict = " STRICT"

// columnStorage is the storage of a table's column as a connection to a file of that kind must read it. In a file of
// others only integers can be relied on: a row id, and an INTEGER of a STRICT table. A REAL may be an infinity and a
// TEXT may hold bytes that are no text.
func columnStorage(native string, foreign bool) storage {
	if foreign {
		return fileStorages.of(native, true)
	}
	return storeStorages.of(native, false)
}

// storages keeps what parseStorage answered, which is asked with every column of every statement: a storage by its
// declared type. Stores declare few types; what files of others declare is bounded.
type storages struct {
	known sync.Map
	n     atomic.Int64
}

const maxStorages = 4096

var storeStorages, fileStorages storages

func (k *storages) of(native string, foreign bool) storage {
	if s, ok := k.known.Load(native); ok {
		return s.(storage)
	}
	s := parseStorage(native, foreign)
	if k.n.Add(1) <= maxStorages {
		k.known.Store(strings.Clone(native), s)
	}
	return s
}

func parseStorage(native string, foreign bool) storage {
	s, _ := parseDeclared(native)
	s.loose = foreign
	if native == nativeRowID || (s.form == formInt && strings.HasSuffix(native, nativeStrict)) {
		s.loose = false
	}
	s.unbound = s.loose && (strings.HasPrefix(native, nativeUndeclared) || !fits(s.form, native))
	return s
}

// fits reports that a column of that declared type has the affinity which leaves values of the form, and what they are
// compared with, as they are. The rules are those of https://sqlite.org/datatype3.html, section 3.1.
func fits(f form, native string) bool {
	native = strings.ToUpper(strings.TrimSuffix(native, nativeStrict))
	has := func(word string) bool { return strings.Contains(native, word) }
	integer := has("INT")
	text := !integer && (has("CHAR") || has("CLOB") || has("TEXT"))
	blob := !integer && !text && (has("BLOB") || native == "")
	float := !integer && !text && !blob && (has("REAL") || has("FLOA") || has("DOUB"))
	switch f {
	case formInt, formBool, formNumeric:
		return !text && !blob && !float
	case formFloat:
		return float
	case formText:
		return text
	}
	return true
}
