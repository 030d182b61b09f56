// Package ws serves changes over WebSocket: the protocol between the live tables and the people looking at them.
//
// A connection belongs to one user in one workspace. The client proves who it is with an Authorization header or with its
// first message, never in the URL, and then subscribes to rooms; each message is one JSON object in one text frame.
//
//	C>S {"id":1,"op":"auth","token":"…"}
//	S>C {"id":1,"ok":{"user":"usr_…","workspace":"wsp_…","expires_at":"2026-03-01T12:10:00Z"}}
//	C>S {"id":2,"op":"subscribe","room":"/data/tbl_…","since":{"epoch":"k3","offset":41,"pos":"…"}}
//	S>C {"id":2,"ok":{"mode":"replay","epoch":"k3","offset":41,"pos":"…"}}
//	S>C {"room":"/data/tbl_…","event":"data:update","epoch":"k3","offset":42,"pos":"…","at":"2026-03-01T12:00:01Z","data":{"ops":[…]}}
//	C>S {"op":"ack","room":"/data/tbl_…","offset":42}
//	C>S {"id":3,"op":"unsubscribe","room":"/data/tbl_…"}
//	C>S {"id":4,"op":"ping"}
//
// After "mode":"replay" the frames continue right after the client's own position; after "snapshot" the client reads the
// table over HTTP first, and the frames continue after the position in the reply. Offsets are dense within an epoch: a gap
// or another epoch means to subscribe again with the last position, its pos included where there is one. Subscribing again to a room replaces the subscription.
//
// A refused command is answered with {"id":…,"err":{"code":…,"message":…}}. A room that ends on the server's side says so
// in a frame with event "error". An event "auth:expiring" comes before the token expires; a new "auth" for the same user
// continues the connection. A connection that ends on the server's side says why in its close code, see [CloseBadFrame]
// and its neighbours.
package ws
