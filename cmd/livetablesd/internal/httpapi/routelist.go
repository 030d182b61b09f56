package httpapi

import "slices"

// Route describes one way into the API, for programs that try all of them.
type Route struct {
	Method string
	// Path has its segments that are names in braces: /api/v1/tables/{table}.
	Path string
	// Params are the query parameters that the route knows; Filters says that it takes filters such as Price.gte too.
	Params  []string
	Filters bool
	// Body is what it takes: "" for nothing, "json", "optional" (JSON or nothing), "bulk" (JSON of many rows), "file".
	Body string
	// Caller is who may call it at all: "account", "anybody", "reader" (of a published view), "socket", "probe".
	Caller string
}

var (
	bodyNames   = map[bodyKind]string{bodyJSON: "json", bodyOptional: "optional", bodyBulk: "bulk", bodyFile: "file"}
	callerNames = map[audience]string{accounts: "account", everybody: "anybody", readers: "reader", sockets: "socket", probes: "probe"}
)

// Routes lists every route that a server has. The list is the caller's.
func Routes() []Route {
	all := routes()
	list := make([]Route, len(all))
	for i, r := range all {
		list[i] = Route{Method: r.method, Path: r.path, Params: slices.Clone(r.params), Filters: r.filters, Body: bodyNames[r.body],
			Caller: callerNames[r.audience]}
	}
	return list
}
