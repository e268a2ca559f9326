// Package machine tells what a process may take of the machine that it runs on.
package machine
