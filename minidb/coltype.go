package minidb

import (
	"encoding/json"

	"github.com/livetables/livetables/lqp"
)

// ColumnType is what people choose for a column.
type ColumnType string

// The column types.
const (
	TextColumn         ColumnType = "text"          // one line or so, at most MaxLength code points
	LongTextColumn     ColumnType = "long_text"     // up to lqp.MaxText code points
	EmailColumn        ColumnType = "email"         // a mail address, its domain in lower case
	URLColumn          ColumnType = "url"           // an absolute http or https address
	PhoneColumn        ColumnType = "phone"         // a telephone number as people write it
	UUIDColumn         ColumnType = "uuid"          // in lower case (RFC 9562, section 4)
	IntegerColumn      ColumnType = "integer"       // whole numbers of 64 bits
	DecimalColumn      ColumnType = "decimal"       // exact numbers with Scale decimals
	CurrencyColumn     ColumnType = "currency"      // exact amounts of the currency of the options
	PercentColumn      ColumnType = "percent"       // fractions: 0.25 is 25 %
	DurationColumn     ColumnType = "duration"      // seconds, with Scale decimals
	RatingColumn       ColumnType = "rating"        // whole numbers from 1 to Max
	AutonumberColumn   ColumnType = "autonumber"    // 1, 2, 3, … in the order in which rows are made; only deleted rows leave gaps
	BooleanColumn      ColumnType = "boolean"       // false, true or empty
	DateColumn         ColumnType = "date"          // calendar days
	DateTimeColumn     ColumnType = "datetime"      // instants in milliseconds
	CreatedTimeColumn  ColumnType = "created_time"  // when the row was made, as ColumnCreatedAt
	UpdatedTimeColumn  ColumnType = "updated_time"  // when the row was last changed, as ColumnUpdatedAt
	CreatedByColumn    ColumnType = "created_by"    // by whom the row was made, as ColumnCreatedBy
	UpdatedByColumn    ColumnType = "updated_by"    // by whom the row was last changed, as ColumnUpdatedBy
	UserColumn         ColumnType = "user"          // the id of a user who was a member of the workspace when it was written
	SingleSelectColumn ColumnType = "single_select" // the name of one of Choices
	MultiSelectColumn  ColumnType = "multi_select"  // a list of names of Choices, each at most once
	GeoPointColumn     ColumnType = "geo_point"     // a list of latitude and longitude in degrees (WGS 84)
	JSONColumn         ColumnType = "json"          // a JSON document in canonical form
	FormulaColumn      ColumnType = "formula"       // computed from other columns of the row
	LookupColumn       ColumnType = "lookup"        // the list of the values of a column of the linked rows
	RollupColumn       ColumnType = "rollup"        // an aggregate over the values of a column of the linked rows
	CountColumn        ColumnType = "count"         // how many linked rows there are
)

// ColumnOptions are the settings of a column beside its type. An option that the type does not have must be zero.
type ColumnOptions struct {
	// MaxLength is the longest value of a text column in code points, 1 to 10,000, default 255.
	MaxLength int `json:"max_length,omitempty"`
	// MinLength is the shortest value of a text or long_text column in code points, 0 for any. The empty text is no value.
	MinLength int `json:"min_length,omitempty"`
	// Pattern is a regular expression (RE2 syntax, at most 1,000 bytes) that the whole of a text must match; empty is any.
	// It is for text, long_text, email, url and phone columns, whose values then have at most 10,000 code points.
	Pattern string `json:"pattern,omitempty"`
	// PatternMessage is what writers of other texts are told, in at most 500 code points; empty names the pattern.
	PatternMessage string `json:"pattern_message,omitempty"`
	// Min and Max bound the values of columns of numbers, date and datetime columns, both of them allowed values; nil is no
	// bound. They are JSON values of the column's type: 0.5, "2026-01-31". Max of a rating is how many stars there are, 1 to
	// 10, default 5; it has no Min.
	Min json.RawMessage `json:"min,omitempty"`
	Max json.RawMessage `json:"max,omitempty"`
	// Scale is how many decimals a decimal column keeps, 0 to 10; a duration 0 to 3; a currency 0 to 10, where 0 is as many
	// as the currency has; the fraction of a percent column 1 to 10, where 0 is 4 (12.34 %).
	Scale int `json:"scale,omitempty"`
	// Precision is how many digits a decimal, currency, percent or duration column keeps in all, at most 30, default 18
	// (Scale + 20 with a Scale above 6). Numbers of up to 18 digits are kept and indexed best.
	Precision int `json:"precision,omitempty"`
	// Currency is the code of a currency column, such as "EUR" (ISO 4217).
	Currency string `json:"currency,omitempty"`
	// Generate makes the value of new rows that give none, in the place of a default: "now" of a datetime, "today" (in UTC)
	// of a date, "user" of a user column, which is who makes the row if that is a member, "uuid" of a uuid column.
	Generate string `json:"generate,omitempty"`
	// Choices are what a single_select or multi_select column may hold, at most 1,000.
	Choices []Choice `json:"choices,omitempty"`
	// Link is the table whose rows the cells of a link column name.
	Link *Link `json:"link,omitempty"`
	// MaxFiles is how many files a cell of an attachment column has at most, 1 to 100, 0 for 100; it counts for what is written from
	// then on. Accept are the media types that may be uploaded to it, such as "image/*" and "application/pdf"; none for any.
	MaxFiles int      `json:"max_files,omitempty"`
	Accept   []string `json:"accept,omitempty"`
	// Formula is the text of a formula column in the language of package formula. It may name columns of the table; it is kept
	// with their ids in the place of the names. What is not the same whenever and by whomever it is asked, such as TODAY(), is refused.
	Formula string `json:"formula,omitempty"`
	// Expr is the tree of Formula (lqp.EncodeExpr), worked out from it. It counts when Formula is empty.
	Expr json.RawMessage `json:"expr,omitempty"`
	// Through is what a lookup, rollup or count column looks at.
	Through *Through `json:"through,omitempty"`
	// Result is the type of the values of a computed column, worked out whatever is given here.
	Result *ResultType `json:"result,omitempty"`
	// Broken is why a computed column has no values any more, worked out whatever is given here: a column that it reads is gone
	// or has another type. It has values again when that is mended.
	Broken string `json:"broken,omitempty"`
}

// What Generate can be.
const (
	GenerateNow   = "now"
	GenerateToday = "today"
	GenerateUser  = "user"
	GenerateUUID  = "uuid"
)

const (
	defaultLength    = 255
	maxLength        = 10_000
	maxEmail         = 254 // RFC 5321, section 4.5.3.1.3, without the brackets
	maxURL           = 2_048
	maxPhone         = 40
	uuidLength       = 36
	maxScale         = 10
	maxSeconds       = 3 // decimals of a duration
	percentScale     = 4
	maxPrecision     = 30
	maxIntegerDigits = 20 // of any number: lqp.Decimal ends below 10^20
	smallPrecision   = 18 // kept as a scaled 64-bit integer
	maxSmallScale    = 6  // with smallPrecision: a million million units remain
	intPrecision     = 19 // 64 bits
	maxChoices       = 1_000
	maxStars         = 10
	defaultStars     = "5"
)

// ValueType is the plan's type of the column's values.
func (c *Column) ValueType() lqp.Type { return c.valueType() }

// valueType is the plan's type of the column's values.
func (c *Column) valueType() lqp.Type {
	t := c.storedType()
	t.NotNull = c.Required
	return t
}

// storedType is valueType without its promise about NULL, which may change while the storage does not.
func (c *Column) storedType() lqp.Type {
	switch c.Type {
	case TextColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: c.Options.MaxLength}
	case LongTextColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: lqp.MaxText}
	case EmailColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: maxEmail}
	case URLColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: maxURL}
	case PhoneColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: maxPhone, ASCII: true}
	case UUIDColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: uuidLength, ASCII: true}
	case IntegerColumn, AutonumberColumn:
		return lqp.Type{Kind: lqp.Number, Precision: intPrecision}
	case RatingColumn:
		return lqp.Type{Kind: lqp.Number, Precision: 2}
	case DecimalColumn, CurrencyColumn, PercentColumn, DurationColumn:
		return lqp.Type{Kind: lqp.Number, Precision: c.Options.Precision, Scale: c.Options.Scale}
	case BooleanColumn:
		return lqp.Type{Kind: lqp.Bool}
	case DateColumn:
		return lqp.Type{Kind: lqp.Date}
	case DateTimeColumn, CreatedTimeColumn, UpdatedTimeColumn:
		return lqp.Type{Kind: lqp.DateTime}
	case CreatedByColumn, UpdatedByColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: maxActorText}
	case UserColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: maxUser}
	case SingleSelectColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: maxName}
	case MultiSelectColumn, LinkColumn, AttachmentColumn:
		return lqp.Type{Kind: lqp.List, Elem: lqp.Text}
	case GeoPointColumn:
		return lqp.Type{Kind: lqp.List, Elem: lqp.Number}
	case JSONColumn:
		return lqp.Type{Kind: lqp.JSON}
	case FormulaColumn, LookupColumn, RollupColumn, CountColumn:
		return c.Options.Result.typ()
	}
	return lqp.Type{}
}

// Filled reports whether the mini-DB itself fills the columns of this type: nobody writes them.
func (t ColumnType) Filled() bool {
	return t == AutonumberColumn || t.BuiltIn() != "" || t.Computed()
}

// BuiltIn is the built-in column whose values a column of this type shows, empty for none.
func (t ColumnType) BuiltIn() string {
	switch t {
	case CreatedTimeColumn:
		return ColumnCreatedAt
	case UpdatedTimeColumn:
		return ColumnUpdatedAt
	case CreatedByColumn:
		return ColumnCreatedBy
	case UpdatedByColumn:
		return ColumnUpdatedBy
	}
	return ""
}

// scaled reports whether columns of this type have a scale and a precision.
func (t ColumnType) scaled() bool {
	return t == DecimalColumn || t == CurrencyColumn || t == PercentColumn || t == DurationColumn
}

// chosen reports whether columns of this type hold choices.
func (t ColumnType) chosen() bool { return t == SingleSelectColumn || t == MultiSelectColumn }

// patterned reports whether columns of this type can have a pattern.
func (t ColumnType) patterned() bool {
	switch t {
	case TextColumn, LongTextColumn, EmailColumn, URLColumn, PhoneColumn:
		return true
	}
	return false
}

// generates is what columns of this type can generate, empty for nothing.
func (t ColumnType) generates() string {
	switch t {
	case DateTimeColumn:
		return GenerateNow
	case DateColumn:
		return GenerateToday
	case UserColumn:
		return GenerateUser
	case UUIDColumn:
		return GenerateUUID
	}
	return ""
}
