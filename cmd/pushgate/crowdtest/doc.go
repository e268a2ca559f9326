// Package crowdtest tests the built program with thousands of clients: some of
// them stop reading, freeze or fall silent, or all come back at once.
package crowdtest
