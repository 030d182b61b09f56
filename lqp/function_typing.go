package lqp

// boolType is the type of predicates, which are never NULL.
var boolType = Type{Kind: Bool, NotNull: true}

func always(t Type) func([]Type) (Type, *ArgError) {
	return func([]Type) (Type, *ArgError) { return t, nil }
}

// strictly is t, not NULL when no argument is: for functions that are NULL only for NULL arguments.
func strictly(t Type) func([]Type) (Type, *ArgError) {
	return func(args []Type) (Type, *ArgError) {
		r := t
		r.NotNull = allNotNull(args)
		return r, nil
	}
}

func allNotNull(args []Type) bool {
	for _, a := range args {
		if !a.NotNull {
			return false
		}
	}
	return true
}

// wholeType is a whole number of at most that many digits.
func wholeType(digits int) Type { return Type{Kind: Number, Precision: digits} }

// digits splits a number's facets; ok is false when they are unknown.
func digits(t Type) (whole, frac int, ok bool) {
	if t.Kind != Number || t.Precision <= 0 {
		return 0, 0, false
	}
	whole, frac = max(t.Precision-t.Scale, 0), max(t.Scale, 0)
	if frac > DecimalDigits { // the source keeps more digits than values do: rounding may carry
		whole, frac = whole+1, DecimalDigits
	}
	return whole, frac, true
}

// numberType is a number with that many whole and fractional digits. It is total when no result can leave the range;
// only then may notNull hold.
func numberType(whole, frac int, notNull bool) Type {
	t := Type{Kind: Number, NotNull: notNull && whole <= 20, Scale: min(frac, DecimalDigits)}
	t.Precision = min(whole, 20) + t.Scale
	if t.Scale == 0 && t.Precision == 19 {
		t.Precision = 20 // nineteen digits promise an int64, see Type.Integer
	}
	if t.Precision == 0 {
		t.Precision = 1
	}
	return t
}

// numericKind is Float when any of the types is, else Number.
func numericKind(args []Type) Kind {
	for _, a := range args {
		if a.Kind == Float {
			return Float
		}
	}
	return Number
}

// arithmetic types a function of numbers: facets answers with whole and fractional digits where all are known.
func arithmetic(facets func(w1, f1, w2, f2 int) (whole, frac int)) func([]Type) (Type, *ArgError) {
	return func(args []Type) (Type, *ArgError) {
		if numericKind(args) == Float {
			return Type{Kind: Float}, nil
		}
		w1, f1, ok1 := digits(args[0])
		w2, f2, ok2 := digits(args[1])
		if !ok1 || !ok2 || facets == nil {
			return Type{Kind: Number}, nil
		}
		w, f := facets(w1, f1, w2, f2)
		return numberType(w, f, allNotNull(args)), nil
	}
}

// sameNumber types functions whose result has the kind and facets of their first argument, such as abs.
func sameNumber(args []Type) (Type, *ArgError) {
	t := args[0]
	t.NotNull = allNotNull(args)
	if t.Kind == Null {
		t = Type{Kind: Number}
	}
	return t, nil
}

// comparable reports whether values of the two types can be equal: the same kind, number with float, date with datetime.
func comparableTypes(a, b Type) bool {
	switch {
	case a.Kind == Null || b.Kind == Null || a.Same(b):
		return true
	case a.Kind == List && b.Kind == List:
		return a.Elem == Null || b.Elem == Null
	case a.Kind.Numeric() && b.Kind.Numeric():
		return true
	}
	return isDate(a.Kind) && isDate(b.Kind)
}

func isDate(k Kind) bool { return k == Date || k == DateTime }

// comparison types predicates whose arguments are all compared with the first one.
func comparison(args []Type) (Type, *ArgError) {
	for i, a := range args[1:] {
		if !comparableTypes(args[0], a) {
			return Type{}, &ArgError{Arg: i + 1, Want: args[0].String(), Got: a.String()}
		}
	}
	return boolType, nil
}

// membership types in: as comparison, but a list stands for its elements.
func membership(args []Type) (Type, *ArgError) {
	for i, a := range args[1:] {
		if a.Kind == List {
			a = Type{Kind: a.Elem}
		}
		if !comparableTypes(args[0], a) {
			return Type{}, &ArgError{Arg: i + 1, Want: args[0].String(), Got: a.String()}
		}
	}
	return boolType, nil
}

// contained types has, has_any and has_all: what is sought must be comparable with the list's elements.
func contained(args []Type) (Type, *ArgError) {
	elem := Type{Kind: args[0].Elem}
	for i, a := range args[1:] {
		if a.Kind == List {
			a = Type{Kind: a.Elem}
		}
		if !comparableTypes(elem, a) {
			return Type{}, &ArgError{Arg: i + 1, Want: elem.String(), Got: a.String()}
		}
	}
	return boolType, nil
}

// unify is the one type of several branches. Numbers and floats give a float; NULL fits any type. at[i] is the place of
// the i-th branch among the arguments, for the error.
func unify(branches []Type, at []int) (Type, *ArgError) {
	var t Type
	seen := false
	for i, b := range branches {
		switch {
		case b.Kind == Null:
			t.NotNull = false
			if !seen {
				continue
			}
		case !seen:
			notNull := i == 0 || allNotNull(branches[:i])
			t, seen = b, true
			t.NotNull = t.NotNull && notNull
		case t.Kind.Numeric() && b.Kind.Numeric() && t.Kind != b.Kind:
			t = Type{Kind: Float, NotNull: t.NotNull && b.NotNull}
		case t.Kind == List && b.Kind == List && (t.Elem == Null || b.Elem == Null):
			t.Elem = max(t.Elem, b.Elem)
			t.NotNull = t.NotNull && b.NotNull
		case !t.Same(b):
			return Type{}, &ArgError{Arg: at[i], Want: t.String(), Got: b.String()}
		default:
			t = unifyFacets(t, b)
		}
	}
	return t, nil
}

func unifyFacets(t, b Type) Type {
	w1, f1, ok1 := digits(t)
	w2, f2, ok2 := digits(b)
	u := Type{Kind: t.Kind, Elem: t.Elem, NotNull: t.NotNull && b.NotNull, ASCII: t.ASCII && b.ASCII}
	if ok1 && ok2 {
		u.Scale = max(f1, f2)
		u.Precision = max(w1, w2) + u.Scale
	}
	if t.MaxLen > 0 && b.MaxLen > 0 {
		u.MaxLen = max(t.MaxLen, b.MaxLen)
	}
	return u
}

// textOf types functions that answer with a part of their first argument or a text as long.
func textOf(args []Type) (Type, *ArgError) {
	return Type{Kind: Text, MaxLen: args[0].MaxLen, ASCII: args[0].ASCII, NotNull: allNotNull(args)}, nil
}
