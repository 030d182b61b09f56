// Package postgres is the adapter to PostgreSQL databases: read access to those of others ([Open]) and the transactional
// store in which Live Tables keeps its own data ([OpenStore]).
//
// It has schema discovery, plans pushed down as SQL with the meaning of lqp, and results decoded from PostgreSQL's binary
// format straight into canonical values or JSON.
//
// Connections are made from [adapter.Settings] alone: no connection string, no PG* environment variable, no password or
// service file is looked at. Every session is pinned to UTC and ISO dates, has a statement timeout and is read-only
// unless the settings open it for writing. Statements go through the extended protocol, every value as a parameter.
//
// A store writes one transaction at a time, whatever number of processes have it open, and gathers concurrent writes into
// shared commits (docs/decisions/0031).
package postgres
