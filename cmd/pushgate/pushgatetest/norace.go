//go:build !race

package pushgatetest

const underRace = false
