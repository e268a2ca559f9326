package storetest

import "testing"

// Run holds a driver to the contract. open answers a store on an empty database
// of its own, migrated or not, and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, group := range []struct {
		name  string
		cases map[string]func(*fixture)
	}{
		{"append", appendCases},
		{"duplicates", duplicateCases},
		{"positions", positionCases},
		{"concurrency", concurrencyCases},
		{"pages", pageCases},
		{"time to live", expiryCases},
		{"trim", trimCases},
		{"find", findCases},
		{"subscribe", subscribeCases},
		{"cursors", cursorCases},
		{"touch", touchCases},
		{"list channels", channelCases},
		{"list subscriptions", subscriptionCases},
		{"revocations", revocationCases},
		{"faults", faultCases},
		{"counters", counterCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, check := range group.cases {
				t.Run(name, func(t *testing.T) { check(newFixture(t, open(t))) })
			}
		})
	}
	t.Run("migrate", func(t *testing.T) {
		s := open(t)
		migrateAtOnce(t, []Store{s, s, s, s})
	})
}

// RunShared holds a driver whose database several processes may use to the same
// contract between them. open answers two stores on one empty database.
func RunShared(t *testing.T, open func(t *testing.T) [2]Store) {
	for name, check := range sharedCases {
		t.Run(name, func(t *testing.T) {
			stores := open(t)
			check(newFixture(t, stores[0]), newFixture(t, stores[1]))
		})
	}
	t.Run("migrate", func(t *testing.T) {
		stores := open(t)
		migrateAtOnce(t, []Store{stores[0], stores[1], stores[0], stores[1]})
	})
}
