package storetest

import (
	"slices"
	"sync"
	"time"

	"pushgate/store"
)

// revocationEpoch is the time from which these tests count.
var revocationEpoch = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// revoke stores a revocation that is made, expires and reaches back so many seconds
// after that.
func (f *fixture) revoke(subscriber, id string, created, issuedBefore, expires int) store.Revocation {
	f.Helper()
	at := func(seconds int) time.Time { return revocationEpoch.Add(time.Duration(seconds) * time.Second) }
	r, err := f.store.Revoke(f.ctx, store.Revocation{
		Subscriber: subscriber, TokenID: id, Created: at(created), IssuedBefore: at(issuedBefore), Expires: at(expires),
	})
	f.must(err)
	return r
}

func (f *fixture) revocations(after uint64, limit int) []store.Revocation {
	f.Helper()
	all, err := f.store.Revocations(f.ctx, after, limit)
	f.must(err)
	return all
}

var revocationCases = map[string]func(*fixture){
	"none": func(f *fixture) {
		equal(f, "revocations", len(f.revocations(0, 10)), 0)
	},
	"in order": func(f *fixture) {
		first, second, third := f.revoke("ada", "", 0, 0, 100), f.revoke("", "id", 1, 0, 100), f.revoke("", "", 2, 0, 100)
		if !slices.Equal(f.revocations(0, 10), []store.Revocation{first, second, third}) {
			f.Errorf("got %v", f.revocations(0, 10))
		}
		if !slices.Equal(f.revocations(first.Number, 1), []store.Revocation{second}) {
			f.Errorf("behind the first: %v", f.revocations(first.Number, 1))
		}
		equal(f, "Subscriber", first.Subscriber, "ada")
		equal(f, "TokenID", second.TokenID, "id")
		if first.Number < 1 || second.Number <= first.Number || third.Number <= second.Number {
			f.Errorf("numbers %d, %d, %d", first.Number, second.Number, third.Number)
		}
		if !first.Expires.Equal(revocationEpoch.Add(100*time.Second)) || !third.Created.Equal(revocationEpoch.Add(2*time.Second)) {
			f.Errorf("times of %v and %v", first, third)
		}
	},
	"again takes the later times, under a new number": func(f *fixture) {
		first := f.revoke("ada", "", 0, 50, 100)
		again := f.revoke("ada", "", 1, 60, 90)
		if again.Number <= first.Number || !again.IssuedBefore.Equal(revocationEpoch.Add(60*time.Second)) || !again.Expires.Equal(first.Expires) {
			f.Errorf("got %v after %v", again, first)
		}
		last := f.revoke("ada", "", 2, 10, 200)
		if !last.IssuedBefore.Equal(again.IssuedBefore) || !last.Expires.Equal(revocationEpoch.Add(200*time.Second)) {
			f.Errorf("got %v after %v", last, again)
		}
		if !slices.Equal(f.revocations(0, 10), []store.Revocation{last}) {
			f.Errorf("got %v", f.revocations(0, 10))
		}
	},
	"the expired are forgotten, and their numbers not given again": func(f *fixture) {
		short := f.revoke("ada", "", 0, 0, 10)
		long := f.revoke("eve", "", 1, 0, 100)
		last := f.revoke("bob", "", 2, 0, 10)
		next := f.revoke("ada", "", 10, 10, 100)
		if !slices.Equal(f.revocations(0, 10), []store.Revocation{long, next}) {
			f.Errorf("got %v", f.revocations(0, 10))
		}
		if next.Number <= last.Number || short.Number >= long.Number {
			f.Errorf("number %d after %d", next.Number, last.Number)
		}
	},
	"at once": func(f *fixture) {
		var group sync.WaitGroup
		seen := make(chan uint64, 40)
		for i := range 40 {
			group.Go(func() {
				r, err := f.store.Revoke(f.ctx, store.Revocation{
					Subscriber: string(rune('a' + i%7)), Created: revocationEpoch, IssuedBefore: revocationEpoch, Expires: revocationEpoch.Add(time.Hour),
				})
				if err != nil {
					f.Errorf("revoke: %v", err)
				}
				seen <- r.Number
			})
		}
		group.Wait()
		close(seen)
		numbers := map[uint64]bool{}
		for n := range seen {
			numbers[n] = true
		}
		equal(f, "numbers", len(numbers), 40)
		equal(f, "revocations", len(f.revocations(0, 100)), 7)
	},
	"names are data": func(f *fixture) {
		const name = "a'; DROP TABLE revocations; --"
		equal(f, "Subscriber", f.revoke(name, "", 0, 0, 10).Subscriber, name)
		equal(f, "Subscriber", f.revocations(0, 1)[0].Subscriber, name)
	},
}
