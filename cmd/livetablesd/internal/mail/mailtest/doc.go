// Package mailtest is a mail server for tests: it speaks SMTP over real connections and keeps what it is given.
package mailtest
