// Package faultdisk puts a disk that fails under a SQLite store: a virtual file system of the driver that reports
// input/output errors, has no room, or loses its power. It is for tests.
//
// A [Disk] passes everything on to the files of the operating system and keeps beside it what would be on the platters:
// the contents of each file at its last sync, the writes since, and which names were made durable. [Disk.Cut] writes what
// a machine could find there after its power failed into another directory.
package faultdisk
