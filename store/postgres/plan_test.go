package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

// explain answers the plan that a statement keeps, made while the tables are empty.
func explain(t *testing.T, s *Store, sql string) string {
	t.Helper()
	var lines []string
	err := s.do(t.Context(), "explain", func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, `PREPARE explained AS `+sql); err != nil {
			return err
		}
		parameters := 0
		for i := 1; strings.Contains(sql, fmt.Sprintf("$%d", i)); i++ {
			parameters = i
		}
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", parameters), ", ")
		rows, err := conn.Query(ctx, `EXPLAIN EXECUTE explained(`+nulls+`)`, pgx.QueryExecModeSimpleProtocol)
		if err == nil {
			lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err == nil {
			_, err = conn.Exec(ctx, `DEALLOCATE explained`)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestPlansMadeOnEmptyTablesUseIndexes(t *testing.T) {
	s := openMigrated(t, pgtest.New(t))
	scan := regexp.MustCompile(`on (\w+)(?: \w+)?  \(cost=.*\n\s+Index Cond: (.*)`)
	for name, sql := range map[string]string{
		"insert": insertSQL, "insert at a position": insertAtSQL, "positions": positionsSQL, "lock channels": lockChannelsSQL, "create channels": createChannelsSQL,
		"given ids": givenSQL, "generated ids": generatedSQL, "free ids": freeIDsSQL,
		"pages": pagesSQL, "tails": tailsSQL, "find": findSQL,
		"cursors": writeCursorsSQL, "touch": touchSQL, "subscribe": subscribeSQL, "present": presentSQL,
		"expire": expireSQL, "raise floors": raiseFloorsSQL,
	} {
		plan := explain(t, s, sql)
		if bad := regexp.MustCompile(`Seq Scan|Hash Join|Merge|Bitmap`).FindString(plan); bad != "" {
			t.Errorf("%s has a %s:\n%s", name, bad, plan)
		}
		scans := scan.FindAllStringSubmatch(plan, -1)
		if len(scans) != strings.Count(plan, "Index Scan")+strings.Count(plan, "Index Only Scan") || len(scans) == 0 {
			t.Errorf("%s walks a whole index:\n%s", name, plan)
		}
		for _, s := range scans {
			if table, condition := s[1], s[2]; table != "channels" && table != "meta" && !strings.Contains(condition, " AND ") {
				t.Errorf("%s finds %s by a part of the key:\n%s", name, table, plan)
			}
		}
	}
}

func TestUpdatesTouchNoIndex(t *testing.T) {
	s := openMigrated(t, pgtest.New(t))
	var batch store.Batch
	var subs []store.NewSubscription
	for i := range 20 {
		channel := fmt.Sprint("channel-", i)
		batch.Messages = append(batch.Messages, store.Message{Channel: channel, Time: time.UnixMilli(0)})
		subs = append(subs, store.NewSubscription{Subscriber: "s", Channel: channel, From: store.From{Start: store.StartEarliest}, Now: time.UnixMilli(0)})
	}
	if _, err := s.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Subscribe(t.Context(), subs); err != nil {
		t.Fatal(err)
	}
	for table, update := range map[string]func(context.Context, pgx.Tx) error{
		"channels": func(ctx context.Context, tx pgx.Tx) error {
			_, err := appendPlain(ctx, tx.Conn(), batch)
			return err
		},
		"positions": func(ctx context.Context, tx pgx.Tx) error {
			for next := range int64(50) {
				position := &store.Position{SourceKey: store.SourceKey{Source: "s", Topic: "t"}, First: next, Next: next + 1}
				if _, err := appendPlain(ctx, tx.Conn(), store.Batch{Position: position}); err != nil {
					return err
				}
			}
			return nil
		},
		"subscriptions": func(ctx context.Context, tx pgx.Tx) error {
			subscribers, channels, seqs := []string{}, []string{}, []int64{}
			for _, sub := range subs {
				subscribers, channels, seqs = append(subscribers, sub.Subscriber), append(channels, sub.Channel), append(seqs, 1)
			}
			if _, err := tx.Exec(ctx, writeCursorsSQL, subscribers, channels, seqs); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, touchSQL, subscribers, channels, time.UnixMilli(9), time.UnixMilli(9))
			return err
		},
	} {
		err := s.transact(t.Context(), "test", func(ctx context.Context, tx pgx.Tx) error {
			if err := update(ctx, tx); err != nil {
				return err
			}
			var updates, hot int
			err := tx.QueryRow(ctx, `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = $1`, table).Scan(&updates, &hot)
			if updates == 0 || hot != updates {
				t.Errorf("%s: %d of %d updates are HOT", table, hot, updates)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
