// Package canary looks for leaks between the tenants of a daemon: it starts one on a loopback port, fills several workspaces
// with texts that occur nowhere else, sends random requests to every route as everybody there is, and looks into whatever
// comes back, and into the daemon's log, for texts that were not meant for who asked.
//
// The routes are those of the server's own table, so that a new one is asked without being named here. What a request needs
// of ids, cursors, entity tags and idempotency keys is taken from all tenants alike. A request into a workspace that the
// caller is no member of must also come to nothing: an answer that tells more than "not found" is reported.
package canary
