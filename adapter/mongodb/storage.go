package mongodb

import (
	"strings"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// form says how the values of a column are held in documents. A value of another BSON type is NULL.
type form uint8

const (
	noForm       form = iota
	stringForm        // string
	objectIDForm      // objectId, read as its hexadecimal digits
	uuidForm          // binary of subtype 4 and 16 bytes, read as its usual text
	intForm           // int, long
	decimalForm       // int, long, decimal: rounded to our ten digits, NULL beyond our range
	doubleForm        // double, int, long: the nearest double, NULL unless finite
	boolForm          // bool
	dateForm          // date, NULL outside the years 1 to 9999
	bytesForm         // binary of any subtype
	jsonForm          // anything
	arrayForm         // array of another form
)

var formNames = [...]string{"", "string", "objectId", "uuid", "int", "decimal", "double", "bool", "date", "binData", "json", "array"}

// bsonTypes are the aliases that $type knows for what a form accepts.
var bsonTypes = [...][]string{
	stringForm: {"string"}, objectIDForm: {"objectId"}, uuidForm: {"binData"}, intForm: {"int", "long"},
	decimalForm: {"int", "long", "decimal"}, doubleForm: {"double", "int", "long"}, boolForm: {"bool"}, dateForm: {"date"},
	bytesForm: {"binData"}, arrayForm: {"array"},
}

var formTypes = [...]lqp.Type{
	stringForm:   {Kind: lqp.Text},
	objectIDForm: {Kind: lqp.Text, MaxLen: 24, ASCII: true},
	uuidForm:     {Kind: lqp.Text, MaxLen: 36, ASCII: true},
	intForm:      {Kind: lqp.Number, Precision: 19},
	decimalForm:  {Kind: lqp.Number},
	doubleForm:   {Kind: lqp.Float},
	boolForm:     {Kind: lqp.Bool},
	dateForm:     {Kind: lqp.DateTime},
	bytesForm:    {Kind: lqp.Bytes},
	jsonForm:     {Kind: lqp.JSON},
}

// storage is how a column is held; elem is the form of an array's elements.
type storage struct{ form, elem form }

// native is the storage as lqp.Column.Native tells it: "string", "array<int>".
func (s storage) native() string {
	if s.form == arrayForm {
		return "array<" + formNames[s.elem] + ">"
	}
	return formNames[s.form]
}

// lqpType is the type of the values read. Nothing is promised never to be NULL: a document may lack any field.
func (s storage) lqpType() lqp.Type {
	if s.form == arrayForm {
		return lqp.Type{Kind: lqp.List, Elem: formTypes[s.elem].Kind}
	}
	return formTypes[s.form]
}

// parseNative is the inverse of native.
func parseNative(text string) (s storage, ok bool) {
	elem, array := strings.CutPrefix(text, "array<")
	if array {
		if elem, ok = strings.CutSuffix(elem, ">"); !ok {
			return storage{}, false
		}
		text = elem
	}
	for f := stringForm; f < arrayForm; f++ {
		if formNames[f] != text {
			continue
		}
		if !array {
			return storage{form: f}, true
		}
		return storage{form: arrayForm, elem: f}, f.scalar()
	}
	return storage{}, false
}

// scalar reports whether values of the form can be compared.
func (f form) scalar() bool { return f >= stringForm && f <= dateForm }

// field is a column as documents have it.
type field struct {
	name string   // dotted path
	path []string // its parts
	storage
}

// fieldOf finds where a column's values are. The reason says for people why they are nowhere.
func fieldOf(c *lqp.Column) (f field, reason string) {
	s, ok := parseNative(c.Native)
	if !ok || !c.Type.Same(s.lqpType()) {
		return f, "the column was not discovered by this adapter"
	}
	f = field{name: c.ID, path: strings.Split(c.ID, "."), storage: s}
	for _, part := range f.path {
		if !safeName(part) {
			return f, "the column's name cannot be a path"
		}
	}
	return f, ""
}

// safeName reports whether a name can stand in a path and in no place means anything else: operators start with $.
func safeName(name string) bool {
	return name != "" && name[0] != '$' && !strings.ContainsAny(name, ".\x00") && utf8.ValidString(name)
}

// safeCollection reports whether a collection can be read by its name.
func safeCollection(name string) bool {
	return name != "" && !strings.HasPrefix(name, "system.") && !strings.ContainsAny(name, "$\x00") && utf8.ValidString(name)
}
