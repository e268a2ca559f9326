// Package limittest holds tests only: the built program at its limits of
// connections. Each limit is made to happen, and has to be over by itself.
package limittest
