// Package adaptertest checks that an adapter does what adapter.Adapter promises. Anybody can run it on an adapter of
// their own:
//
//	func TestConformance(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Harness{Open: open, Load: load})
//	}
//
// Load puts the suite's tables into the source; from there on the suite speaks to the adapter alone. Its oracle is
// lqp.Run over the same rows: whatever the adapter's Plan splits, the answer of Pushed and Residual together must be the
// oracle's, cell by cell as canonical JSON, and row by row where the query orders them. The cases go subject by subject
// (discovery, operators, sorting, keyset walks, joins, groups, functions, paging, rows, lifecycle, writes) and end with
// random queries, whose seed is printed and can be given again.
//
// The package needs nothing but the standard library and this module.
package adaptertest
