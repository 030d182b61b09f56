// Package audit holds the record of changes: who did what to which resource, when, and what it was before and after.
//
// An [Entry] is written in the transaction of the change it describes, by whoever owns that database; a [Sink] is a
// consumer that receives the entries afterwards, in order and at least once.
package audit
