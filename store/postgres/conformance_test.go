package postgres

import (
	"testing"

	"pushgate/store/postgres/pgtest"
	"pushgate/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, pgtest.New(t)) })
}

func TestConformanceShared(t *testing.T) {
	storetest.RunShared(t, func(t *testing.T) [2]storetest.Store {
		url := pgtest.New(t)
		return [2]storetest.Store{open(t, url), open(t, url)}
	})
}
