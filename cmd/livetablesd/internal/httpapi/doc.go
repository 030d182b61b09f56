// Package httpapi is the REST face of an engine: routes, request bodies, problem documents, limits and the streams of rows.
//
// A [Server] is an http.Handler. It decides nothing about data: every route names a principal to the engine and hands over
// what was asked, strictly decoded. Requests with unknown query parameters, unknown or repeated JSON keys, or bodies
// beyond their limits are refused before anything is done.
package httpapi
