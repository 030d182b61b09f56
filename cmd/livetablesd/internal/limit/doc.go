// Package limit bounds what clients may use of a server: how often they may ask (a [Limiter], in this process or shared by
// several through Redis) and how much of what they asked for may run at once ([Shares]).
//
// Neither decides what anybody may see. A limiter that cannot reach Redis limits by what this process knows.
package limit
