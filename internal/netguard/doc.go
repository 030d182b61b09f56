// Package netguard dials only where the deployment allows: by default, to public addresses.
//
// The check is made on the numeric address of each connection attempt, after name resolution and before the first packet,
// so that no spelling of an address, no name and no redirect gets around it.
package netguard
