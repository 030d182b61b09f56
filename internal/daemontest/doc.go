// Package daemontest runs livetablesd as a process of its own, to be asked over HTTP, stopped and killed by campaigns that
// look for what a whole program loses.
package daemontest
