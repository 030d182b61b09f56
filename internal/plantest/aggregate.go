package plantest

import (
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// aggregate is a function of the catalogue over the values of a group in their order; float says that its argument is one
// of doubles.
func aggregate(fn string, vals []lqp.Value, float bool) lqp.Value {
	all := vals
	set := slices.DeleteFunc(slices.Clone(vals), lqp.Value.IsNull)
	number := func(n int) lqp.Value { return lqp.IntValue(int64(n)) }
	empty := 0
	for _, v := range all {
		if v.Empty() {
			empty++
		}
	}
	switch fn {
	case "countall":
		return number(len(all))
	case "count":
		return number(len(set)) // of numbers only
	case "counta", "count_filled":
		return number(len(all) - empty)
	case "count_empty":
		return number(empty)
	case "percent_empty":
		return percent(empty, len(all))
	case "percent_filled":
		return percent(len(all)-empty, len(all))
	case "checked", "unchecked", "and", "or", "xor":
		return truths(fn, all, set)
	case "count_unique":
		return number(len(distinct(set)))
	}
	if fn == "sum" && len(set) == 0 {
		if float {
			return lqp.FloatValue(0)
		}
		return number(0)
	}
	if len(set) == 0 {
		return lqp.NullValue
	}
	switch fn {
	case "first":
		return set[0]
	case "last":
		return set[len(set)-1]
	case "join", "array_agg", "array_unique":
		return collected(fn, set)
	}
	sorted := slices.Clone(set)
	slices.SortStableFunc(sorted, lqp.Compare)
	least, most := sorted[0], sorted[len(sorted)-1]
	switch fn {
	case "min", "earliest":
		return least
	case "max", "latest":
		return most
	}
	if float {
		return overDoubles(fn, sorted)
	}
	return overNumbers(fn, sorted)
}

func percent(n, all int) lqp.Value {
	if all == 0 {
		return lqp.NullValue
	}
	return rounded(big.NewRat(int64(n)*100, int64(all)))
}

func truths(fn string, all, set []lqp.Value) lqp.Value {
	yes := 0
	for _, v := range set {
		if v.Bool() {
			yes++
		}
	}
	switch {
	case fn == "checked":
		return lqp.IntValue(int64(yes))
	case fn == "unchecked":
		return lqp.IntValue(int64(len(all) - yes))
	case len(set) == 0:
		return lqp.NullValue
	case fn == "and":
		return lqp.BoolValue(yes == len(set))
	case fn == "or":
		return lqp.BoolValue(yes > 0)
	}
	return lqp.BoolValue(yes%2 == 1)
}

func distinct(set []lqp.Value) (seen []lqp.Value) {
	for _, v := range set {
		if !slices.ContainsFunc(seen, func(s lqp.Value) bool { return lqp.Equal(s, v) }) {
			seen = append(seen, v)
		}
	}
	return seen
}

// collected puts the values one after the other, the elements of lists in their place.
func collected(fn string, set []lqp.Value) lqp.Value {
	var flat []lqp.Value
	for _, v := range set {
		if v.Kind() == lqp.List {
			flat = append(flat, slices.DeleteFunc(slices.Clone(v.Items()), lqp.Value.IsNull)...)
		} else {
			flat = append(flat, v)
		}
	}
	switch {
	case len(flat) == 0:
		return lqp.NullValue
	case fn == "array_agg":
		return lqp.ListValue(flat)
	case fn == "array_unique":
		return lqp.ListValue(distinct(flat))
	}
	parts := make([]string, len(flat))
	for i, v := range flat {
		parts[i] = string(v.AppendText(nil))
	}
	return lqp.TextValue(strings.Join(parts, ", "))
}

// overNumbers is a function of exact numbers, which are sorted, by fractions.
func overNumbers(fn string, sorted []lqp.Value) lqp.Value {
	xs := make([]*big.Rat, len(sorted))
	for i, v := range sorted {
		xs[i], _ = new(big.Rat).SetString(v.Decimal().String())
	}
	sum := new(big.Rat)
	for _, x := range xs {
		sum.Add(sum, x)
	}
	n := big.NewRat(int64(len(xs)), 1)
	switch fn {
	case "sum":
		return rounded(sum)
	case "average":
		if rounded(sum).IsNull() { // it is the sum divided
			return lqp.NullValue
		}
		return rounded(sum.Quo(sum, n))
	case "range":
		return rounded(sum.Sub(xs[len(xs)-1], xs[0]))
	case "median":
		a, b := xs[(len(xs)-1)/2], xs[len(xs)/2]
		return rounded(sum.Quo(sum.Add(a, b), big.NewRat(2, 1)))
	}
	v, ok := variance(fn, xs)
	switch {
	case !ok:
		return lqp.NullValue
	case strings.HasPrefix(fn, "stdev"):
		// The nearest multiple of 10^-10 to the root: of 4·10^20·v the whole root, one added, halved.
		scaled := new(big.Rat).Mul(v, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil)))
		scaled.Mul(scaled, big.NewRat(4, 1))
		root := new(big.Int).Sqrt(new(big.Int).Quo(scaled.Num(), scaled.Denom()))
		root.Add(root, big.NewInt(1)).Rsh(root, 1)
		return rounded(new(big.Rat).SetFrac(root, big.NewInt(10_000_000_000)))
	}
	return rounded(v)
}

// variance is that of numbers, of a sample or of all; ok is false for too few.
func variance(fn string, xs []*big.Rat) (v *big.Rat, ok bool) {
	n := int64(len(xs))
	if !strings.HasSuffix(fn, "p") {
		n--
	}
	if n == 0 {
		return nil, false
	}
	mean := new(big.Rat)
	for _, x := range xs {
		mean.Add(mean, x)
	}
	mean.Quo(mean, big.NewRat(int64(len(xs)), 1))
	v = new(big.Rat)
	for _, x := range xs {
		d := new(big.Rat).Sub(x, mean)
		v.Add(v, d.Mul(d, d))
	}
	return v.Quo(v, big.NewRat(n, 1)), true
}

// rounded is a fraction to ten digits, half away from zero, NULL out of range.
func rounded(x *big.Rat) lqp.Value {
	d, err := lqp.ParseDecimal(x.FloatString(10))
	if err != nil {
		return lqp.NullValue
	}
	return lqp.NumberValue(d)
}

// overDoubles is a function of doubles, which are sorted, by exact sums that are rounded once.
func overDoubles(fn string, sorted []lqp.Value) lqp.Value {
	xs := make([]*big.Rat, len(sorted))
	for i, v := range sorted {
		xs[i] = new(big.Rat).SetFloat64(v.Float())
	}
	sum := new(big.Rat)
	for _, x := range xs {
		sum.Add(sum, x)
	}
	double := func(x *big.Rat) float64 { f, _ := x.Float64(); return f }
	least, most := sorted[0].Float(), sorted[len(sorted)-1].Float()
	switch fn {
	case "sum":
		return lqp.FloatValue(double(sum))
	case "average":
		if f := double(sum); !math.IsInf(f, 0) {
			return lqp.FloatValue(f / float64(len(xs)))
		}
		return lqp.NullValue
	case "range":
		return lqp.FloatValue(most - least)
	case "median":
		a, b := sorted[(len(xs)-1)/2].Float(), sorted[len(xs)/2].Float()
		if m := (a + b) / 2; !math.IsInf(m, 0) {
			return lqp.FloatValue(m)
		}
		return lqp.FloatValue(a/2 + b/2)
	}
	v, ok := variance(fn, xs)
	switch {
	case !ok:
		return lqp.NullValue
	case strings.HasPrefix(fn, "stdev"):
		root := new(big.Float).SetPrec(2000).SetRat(v)
		f, _ := root.Sqrt(root).Float64()
		return lqp.FloatValue(f)
	}
	return lqp.FloatValue(double(v))
}
